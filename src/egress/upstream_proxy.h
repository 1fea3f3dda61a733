// The proxies that this machine itself must go through, as a company's network
// has them: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY of the environment.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "egress/destination.h"

namespace carrel::egress {

struct UpstreamProxy {
  Destination at;
  std::string authorization;  // value of Proxy-Authorization ("Basic ..."), or ""
  bool operator==(const UpstreamProxy&) const = default;
};

class UpstreamProxies {
 public:
  using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

  UpstreamProxies() = default;  // none

  // Lower case wins over upper case, as in curl. kUnsupported for a proxy that
  // is not spoken to in plain HTTP, kInvalid for what is no proxy at all.
  [[nodiscard]] static Result<UpstreamProxies> from_environment(const Lookup& lookup);

  // For a tunnel (CONNECT) and for a plain HTTP request; nullptr: go directly.
  // Loopback addresses are always reached directly.
  [[nodiscard]] const UpstreamProxy* for_tunnel(const Destination& destination) const;
  [[nodiscard]] const UpstreamProxy* for_http(const Destination& destination) const;

  // For people, without passwords: "proxy:3128", "a:80 for http, b:80 for TLS and SOCKS"; "" for
  // none.
  [[nodiscard]] std::string text() const;

 private:
  struct Exception {
    std::optional<policy::Cidr> network;
    std::string suffix;  // of a name, or the whole of it, without a leading dot; "*": all
    std::optional<std::uint16_t> port;
  };

  static Result<std::vector<Exception>> parse_exceptions(std::string_view text);
  [[nodiscard]] bool goes_directly(const Destination& destination) const;

  std::optional<UpstreamProxy> http_;
  std::optional<UpstreamProxy> tunnel_;
  std::vector<Exception> exceptions_;
};

}  // namespace carrel::egress
