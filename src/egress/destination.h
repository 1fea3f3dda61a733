// Where a client inside wants to go, in one canonical form. Every spelling of
// an IP address is an address, so no rule about names ever meets one.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "policy/hosts.h"

namespace carrel::egress {

using Host = std::variant<policy::HostName, policy::IpAddress>;

// kInvalid for what is neither a name nor an address: empty, NUL, CR, LF, a
// space, a zone id, a user name, a path.
[[nodiscard]] Result<Host> parse_host(std::string_view text);
[[nodiscard]] std::string host_text(const Host& host);  // IPv6 without brackets

struct Destination {
  Host host;
  std::uint16_t port = 0;
  auto operator<=>(const Destination&) const = default;

  [[nodiscard]] std::string text() const;       // "example.com:443", "[::1]:443"
  [[nodiscard]] std::string authority() const;  // the same, without ":80"
};

// "host:port" or "[v6]:port"; the port may be left out where there is a
// `default_port`. An IPv6 address needs its brackets.
[[nodiscard]] Result<Destination> parse_authority(std::string_view text,
                                                  std::uint16_t default_port = 0);

}  // namespace carrel::egress
