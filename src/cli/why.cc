#include <string>

#include "base/path.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/network.h"
#include "cli/prepare.h"
#include "egress/judge.h"

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
  CARREL_TRY(const egress::UpstreamProxies upstream, upstream_proxies(machine));
  const bool elsewhere = upstream.for_tunnel(destination.value()) != nullptr;
  CARREL_TRY(
      const egress::Judgement judgement,
      egress::judge(loaded.policy.network, destination.value(),
                    elsewhere ? egress::Names::kLookedUpElsewhere : egress::Names::kLookedUpHere));
  const std::string what = destination.value().text();
  return Diagnosis{
      arguments.has(Opt::kJson) ? to_json_text(what, judgement) : to_text(what, judgement),
      is_reachable(judgement) ? 0 : 1};
}

}  // namespace carrel::cli
