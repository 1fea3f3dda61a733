// The egress of one sandbox, as a process of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "egress/connection.h"
#include "egress/upstream_proxy.h"
#include "policy/policy.h"

namespace carrel::egress {

// What a listener that is handed out speaks.
enum class Service : std::uint8_t {
  kHttp,
  kSocks,
  kDnsOverUdp,
  kDnsOverTcp,
  kHostPort,     // egress/ports.h
  kTransparent,  // the last of all; as many as come
};

// A server inside, reached from outside.
struct Published {
  policy::PublishedPort port;
  UniqueFd listener;  // at port.place()
};

struct Config {
  // One end of a Unix socket pair, over which the listeners come (handout.h).
  UniqueFd handout;
  // What the engine lives for: it ends when this becomes readable, as a pidfd
  // does when its process is gone. If invalid, when `handout` ends.
  UniqueFd lifetime;
  std::vector<Service> services = {Service::kHttp, Service::kSocks};  // in the order handed out
  std::vector<Published> published;
  policy::NetworkPolicy policy;
  UpstreamProxies proxies;
  std::vector<HeldCredential> credentials;
  std::string ca_bundle;                 // against which servers are verified; "" without need
  std::unique_ptr<Authority> authority;  // where something is inspected
  UniqueFd complaints;      // told, in a line, why nothing can be served; may be invalid
  UniqueFd audit;           // a line for each decision (audit.h); may be invalid
  std::string sandbox;      // its name in those lines
  std::string nameservers;  // "" for those of resolv.conf
  Timeouts timeouts;
  // Further clients wait in the listener's queue. Less where open files are few.
  std::size_t max_connections = 8192;
  // Bytes that were taken from one side and not yet by the other, of all
  // connections together; beyond this they stay with the kernel.
  std::size_t max_held = 16 << 20;
};

// Secludes this process (seclude.h), serves until the end of `lifetime`, or until
// all who hold the other end of `handout` have closed it, and returns. What is
// open then is ended and written into the audit.
[[nodiscard]] Status run_engine(Config config);

}  // namespace carrel::egress
