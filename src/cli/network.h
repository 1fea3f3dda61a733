// The network of a run: what it needs of the host, and the process that serves it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/certificate.h"
#include "egress/credential.h"
#include "egress/engine.h"
#include "egress/upstream_proxy.h"
#include "plan/machine.h"
#include "plan/plan.h"
#include "policy/policy.h"

namespace carrel::cli {

// The proxies that the host itself must go through, as its environment says.
[[nodiscard]] Result<egress::UpstreamProxies> upstream_proxies(const plan::Machine& machine);

// What the proxy needs for TLS: nothing, where no gateway and no inspected host
// asks for it.
struct TlsNeeds {
  std::string ca_bundle;                         // against which servers are verified
  std::unique_ptr<egress::Authority> authority;  // where something is inspected
};
[[nodiscard]] Result<TlsNeeds> tls_needs(const policy::NetworkPolicy& policy,
                                         const plan::Machine& machine);

// What programs inside are to trust, where `needs` has an authority.
[[nodiscard]] Result<plan::Trust> trust_inside(const TlsNeeds& needs);

// What the proxy is given besides the policy; it goes there, and not elsewhere.
struct ProxyNeeds {
  egress::UpstreamProxies upstream;
  TlsNeeds tls = {};
  std::vector<egress::HeldCredential> credentials = {};
  UniqueFd log = {};
  std::vector<egress::Service> services = {};  // as egress::Config has them
  std::vector<egress::Published> published = {};
};

// Carrel's own proxy: a child of this process, and of the launcher that takes
// its place. It serves for as long as somebody holds handout().
class Proxy {
 public:
  // Forks; this process's copies of the needs are destroyed. What the child holds of this process's
  // memory stays with it, so the less there is, the better.
  [[nodiscard]] static Result<Proxy> start(const policy::Policy& policy, ProxyNeeds needs);

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
