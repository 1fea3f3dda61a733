// Names to addresses: c-ares, both families at once, with a cache.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "egress/address_cache.h"
#include "egress/ares_channel.h"
#include "egress/asio.h"

namespace carrel::egress {

class Resolver {
 public:
  struct Options {
    std::string nameservers;  // as AresChannel::make takes them
    Clock::duration patience = std::chrono::seconds(15);
  };
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> make(const Executor& executor,
                                                              Options options);

  // A name of one label is also looked for in the search domains. Waits 50 ms
  // for the other family once one has answered (RFC 8305 3), no longer than
  // `patience` for either. The resolver must outlive the task.
  [[nodiscard]] Task<Answer> resolve(policy::HostName name);

 private:
  struct Query;

  Resolver(const Executor& executor, Options options)
      : executor_(executor), options_(std::move(options)) {}
  Status open_channels();
  void follow_changes();
  std::shared_ptr<Query> query_for(const policy::HostName& name);
  void take(const std::shared_ptr<Query>& query, Family family, FamilyAnswer answer);

  Executor executor_;
  Options options_;
  std::string stamp_;  // of resolv.conf when the channels were opened
  AddressCache cache_;
  std::map<policy::HostName, std::shared_ptr<Query>> queries_;
  // Last, so first to go: a channel that ends answers its open questions.
  std::unique_ptr<AresChannel> absolute_;
  std::unique_ptr<AresChannel> searching_;
};

}  // namespace carrel::egress
