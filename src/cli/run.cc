#include "base/unique_fd.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/listener.h"
#include "cli/network.h"
#include "cli/prepare.h"
#include "cli/record.h"
#include "jail/launch.h"

namespace carrel::cli {
namespace {

// Where the policy has no network there is nothing to serve.
Result<Proxy> start_proxy(const Arguments& arguments, Draft& draft) {
  UniqueFd log;
  if (arguments.has(Opt::kLog)) {
    CARREL_TRY(log, open_log(arguments.one(Opt::kLog)));
  }
  if (!draft.upstream) return Proxy();
  using egress::Service;
  std::vector<Service> services = {Service::kHttp, Service::kSocks, Service::kDnsOverUdp,
                                   Service::kDnsOverTcp};
  services.insert(services.end(), draft.policy.network.host_ports.size(), Service::kHostPort);
  services.push_back(Service::kTransparent);
  ProxyNeeds needs{.upstream = std::move(*draft.upstream),
                   .tls = std::move(draft.tls),
                   .log = std::move(log),
                   .services = std::move(services)};
  CARREL_TRY(needs.published, listen_for(draft.policy.network));
  CARREL_TRY(needs.credentials,
             read_credentials(draft.policy.network, draft.placeholders, draft.machine));
  return Proxy::start(draft.policy, std::move(needs));
}

// Everything but the refused record.
Error run_with(const Arguments& arguments, const Descriptors& descriptors, int record_fd,
               const std::string& started_at_text, std::uint64_t started_at) {
  CARREL_TRY(Draft drafted, draft(arguments, descriptors));
  // Before the plan is made: while that goes on, the proxy gets ready.
  CARREL_TRY(const Proxy proxy, start_proxy(arguments, drafted));
  CARREL_TRY(const Prepared prepared, prepare(std::move(drafted), arguments, descriptors));
  FinishContext context;
  if (arguments.has(Opt::kQuiet)) context.words = Words::kFailuresOnly;
  if (record_fd >= 0) {
    context.record_fd = record_fd;
    context.record_head = record_head(prepared, started_at_text);
  }
  return jail::launch({
      .plan = prepared.plan,
      .machine = prepared.machine,
      .handout_fd = proxy.pid() != 0 ? proxy.handout() : prepared.proxy_fd,
      .proxy_pid = proxy.pid(),
      .always_finish = record_fd >= 0,
      .record_denials = record_fd >= 0,
      .context = to_text(context),
      .started_at = started_at,
  });
}

Error run_and_record(const Arguments& arguments, std::uint64_t started_at) {
  if (arguments.operands.empty() || arguments.operands.front().empty()) {
    return Error{Errc::kInvalid,
                 "there is no command to run; write it behind the options, as in `carrel run -- ls "
                 "-l`"};
  }
  CARREL_TRY(const Descriptors descriptors, check_descriptors(arguments));
  if (!arguments.has(Opt::kRecord)) return run_with(arguments, descriptors, -1, "", started_at);

  const std::string started_at_text = timestamp();
  CARREL_TRY(const UniqueFd record, open_record(arguments.one(Opt::kRecord)));
  Error error = run_with(arguments, descriptors, record.get(), started_at_text, started_at);
  CARREL_CHECK(write_record(
      record.get(), refused_record_text(arguments.operands, started_at_text, error.message)));
  return error;
}

}  // namespace

Error run(const Arguments& arguments, std::uint64_t started_at) {
  Error error = run_and_record(arguments, started_at);
  jail::abandon();
  return error;
}

}  // namespace carrel::cli
