#include "egress/judge.h"

#include <boost/asio/co_spawn.hpp>

#include "egress/own_address.h"
#include "egress/resolver.h"

namespace carrel::egress {
namespace {

Result<Answer> look_up(const policy::HostName& name) {
  asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  CARREL_TRY(const auto resolver, Resolver::make(context.get_executor(), {}));
  Answer answer;
  asio::co_spawn(context, resolver->resolve(name), [&](const std::exception_ptr&, Answer found) {
    answer = std::move(found);
    context.stop();
  });
  context.run();
  return answer;
}

}  // namespace

Result<Judgement> judge(const policy::NetworkPolicy& policy, const Destination& destination,
                        Names names) {
  Judgement judgement;
  if (const auto* address = std::get_if<policy::IpAddress>(&destination.host)) {
    judgement.decision = decide(policy, *address, destination.port, owner_of(*address));
    return judgement;
  }
  const auto& name = std::get<policy::HostName>(destination.host);
  judgement.decision = decide(policy, name, destination.port);
  if (!judgement.decision.allowed() || names == Names::kLookedUpElsewhere) return judgement;
  CARREL_TRY(const Answer answer, look_up(name));
  judgement.failure = answer.failure;
  for (const policy::IpAddress& address : answer.addresses) {
    judgement.addresses.push_back(
        {address.text(),
         decide_answer(policy, name, address, destination.port, owner_of(address))});
  }
  return judgement;
}

}  // namespace carrel::egress
