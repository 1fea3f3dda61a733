#include <string>

#include "base/path.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/network.h"
#include "cli/prepare.h"
#include "egress/gateway.h"
#include "egress/judge.h"
#include "egress/request_rules.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

constexpr std::uint16_t kDefaultPort = 443;

std::string verdict_text(const std::string& what, const egress::Decision& decision) {
  if (!decision.allowed()) return egress::refusal_text(what, decision);
  return what + " is allowed by the rule '" + decision.rule + "'.";
}

json::object to_json(const egress::Decision& decision) {
  json::object out{{"verdict", decision.allowed() ? "allowed" : "denied"}};
  if (!decision.rule.empty()) out["rule"] = decision.rule;
  if (!decision.reason.empty()) out["reason"] = decision.reason;
  if (!decision.remedy.empty()) out["remedy"] = decision.remedy;
  return out;
}

bool is_reachable(const egress::Judgement& judgement) {
  if (!judgement.decision.allowed() || !judgement.failure.empty()) return false;
  bool any = judgement.addresses.empty();
  for (const auto& each : judgement.addresses) any = any || each.decision.allowed();
  return any;
}

std::string to_text(const std::string& what, const egress::Judgement& judgement) {
  std::string out = verdict_text(what, judgement.decision) + "\n";
  for (const auto& each : judgement.addresses) {
    if (each.decision.allowed()) {
      out += "It leads to " + each.address + ", which may be dialled.\n";
    } else {
      out += egress::refusal_text(what, each.decision) + "\n";
    }
  }
  if (!judgement.failure.empty()) out += "Looking it up: " + printable(judgement.failure) + ".\n";
  return out;
}

std::string to_json_text(const std::string& what, const egress::Judgement& judgement) {
  json::object out{{"version", 1}, {"destination", what}, {"reachable", is_reachable(judgement)}};
  out["decision"] = to_json(judgement.decision);
  json::array addresses;
  for (const auto& each : judgement.addresses) {
    json::object entry = to_json(each.decision);
    entry["address"] = each.address;
    addresses.push_back(std::move(entry));
  }
  out["addresses"] = std::move(addresses);
  if (!judgement.failure.empty()) out["failure"] = judgement.failure;
  return json_text(out);
}

// What is decided by request at an inspected host.
std::string request_text(const policy::NetworkPolicy& policy,
                         const egress::Destination& destination) {
  if (!egress::is_inspected(policy, destination)) return "";
  std::string out = "TLS to it is inspected: its requests are decided one by one.\n";
  const egress::RequestView view{destination, {}, {}, {}, true};
  for (const policy::RequestRule& rule : policy.requests) {
    if (!egress::speaks_of(rule.scope, view)) continue;
    const bool denies = rule.action == policy::RequestRule::Action::kDeny;
    out += std::string(denies ? "Denied" : "Allowed") + ": " +
           printable(policy::scope_text(rule.scope)) + ".\n";
  }
  for (const policy::Credential& credential : policy.credentials) {
    if (!egress::speaks_of(credential.scope, view)) continue;
    out += "The credential '" + printable(credential.name) + "' is put into " +
           printable(policy::scope_text(credential.scope)) + ".\n";
  }
  return out;
}

Result<Diagnosis> why_gateway(const Arguments& arguments, const policy::NetworkPolicy& policy,
                              const egress::Destination& asked) {
  // `why model.gateway` has no port to say.
  const egress::Destination destination{
      asked.host, asked.port == kDefaultPort ? std::uint16_t{80} : asked.port};
  const policy::Gateway* gateway = egress::find_gateway(policy, destination);
  const std::string what = destination.text();
  egress::Decision decision;
  if (gateway != nullptr) {
    decision = {egress::Verdict::kAllowed, "gateway " + gateway->name, {}, {}};
  } else {
    decision.reason = egress::why_no_gateway(policy, destination);
  }
  const egress::Judgement judgement{decision, {}, {}};
  if (arguments.has(Opt::kJson)) {
    return Diagnosis{to_json_text(what, judgement), decision.allowed() ? 0 : 1};
  }
  std::string text = verdict_text(what, decision) + "\n";
  if (gateway != nullptr) text += "It stands for " + printable(gateway->url()) + ".\n";
  return Diagnosis{std::move(text), decision.allowed() ? 0 : 1};
}

}  // namespace

Result<Diagnosis> why(const Arguments& arguments) {
  if (arguments.operands.empty()) {
    return Error{Errc::kInvalid, "why: name a host, as in `carrel why example.com:443`"};
  }
  const std::string& asked = arguments.operands.front();
  Result<egress::Destination> destination = egress::parse_authority(asked, kDefaultPort);
  if (!destination.ok()) return std::move(destination).error().in("why " + shell_quoted(asked));
  CARREL_TRY(const plan::Machine machine, plan::this_machine());
  CARREL_TRY(const LoadedPolicy loaded, load_rules(arguments, {machine.home, machine.working_dir}));
  if (egress::is_gateway_name(destination.value().host)) {
    return why_gateway(arguments, loaded.policy.network, destination.value());
  }
  CARREL_TRY(const egress::UpstreamProxies upstream, upstream_proxies(machine));
  const bool elsewhere = upstream.for_tunnel(destination.value()) != nullptr;
  CARREL_TRY(
      const egress::Judgement judgement,
      egress::judge(loaded.policy.network, destination.value(),
                    elsewhere ? egress::Names::kLookedUpElsewhere : egress::Names::kLookedUpHere));
  const std::string what = destination.value().text();
  const std::string requests = request_text(loaded.policy.network, destination.value());
  return Diagnosis{arguments.has(Opt::kJson) ? to_json_text(what, judgement)
                                             : to_text(what, judgement) + requests,
                   is_reachable(judgement) ? 0 : 1};
}

}  // namespace carrel::cli
