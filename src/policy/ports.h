// Ports that a sandbox shares with its host, by number. There is one canonical
// spelling of each; holding a value proves that it was checked.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "policy/hosts.h"

namespace carrel::policy {

// "1" to "65535", without a sign or leading zeros.
[[nodiscard]] Result<std::uint16_t> parse_port(std::string_view text);

// A service of the host's loopback that is reached inside at the same port of the
// sandbox's own loopback.
struct HostPort {
  std::uint16_t port = 0;
  auto operator<=>(const HostPort&) const = default;

  [[nodiscard]] static Result<HostPort> parse(std::string_view text);
  [[nodiscard]] std::string text() const { return std::to_string(port); }
};

// A server on the loopback inside that is reached at an address of the host.
struct PublishedPort {
  IpAddress address = ipv4_loopback();  // of the host
  std::uint16_t outside = 0;            // port there
  std::uint16_t inside = 0;
  auto operator<=>(const PublishedPort&) const = default;

  // "8080", "8080:80" (outside, inside), "192.0.2.1:8080", "[::1]:8080:80".
  [[nodiscard]] static Result<PublishedPort> parse(std::string_view text);
  [[nodiscard]] std::string text() const;   // as parse() takes it, the shortest
  [[nodiscard]] std::string place() const;  // "127.0.0.1:8080"
};

}  // namespace carrel::policy
