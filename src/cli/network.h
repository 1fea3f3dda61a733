// The network of a run: what it needs of the host, and the process that serves it.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/engine.h"
#include "egress/upstream_proxy.h"
#include "plan/machine.h"
#include "policy/policy.h"

namespace carrel::cli {

// The proxies that the host itself must go through, as its environment says.
[[nodiscard]] Result<egress::UpstreamProxies> upstream_proxies(const plan::Machine& machine);

// Carrel's own proxy: a child of this process, and of the launcher that takes
// its place. It serves for as long as somebody holds handout().
class Proxy {
 public:
  struct Work {  // as egress::Config has them
    egress::UpstreamProxies upstream;
    UniqueFd log;
    std::vector<egress::Service> services;
    std::vector<egress::Published> published;
  };
  // Forks. What the child holds of this process's memory stays with it, so the
  // less there is, the better.
  [[nodiscard]] static Result<Proxy> start(const policy::Policy& policy, Work work);

  Proxy() = default;  // none
  Proxy(Proxy&& other) noexcept;
  Proxy& operator=(Proxy&& other) = delete;
  ~Proxy();  // ends it, and waits until it has ended

  [[nodiscard]] int handout() const { return handout_.get(); }  // -1: there is none
  [[nodiscard]] pid_t pid() const { return pid_; }              // 0: there is none

 private:
  UniqueFd handout_;
  pid_t pid_ = 0;
};

}  // namespace carrel::cli
