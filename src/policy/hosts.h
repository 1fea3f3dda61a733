// Host names, addresses and the rules that speak of them. There is one
// canonical spelling of each; holding a value proves that it was checked.
// Sources: RFC 1123 2.1, RFC 5890 (A-labels only), RFC 5952, RFC 6890, publicsuffix.org.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace carrel::policy {

// A DNS name in its one canonical spelling: lower case, no trailing dot.
class HostName {
 public:
  // kInvalid for whatever is not a name: empty, over-long, an IP address in any
  // spelling that resolvers accept ("127.1", "0x7f000001", "2130706433"),
  // spaces, control characters, NUL, non-ASCII (the message asks for the
  // xn-- form), a URL, a path, a userinfo part.
  [[nodiscard]] static Result<HostName> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool is_below(const HostName& parent) const;
  auto operator<=>(const HostName&) const = default;

 private:
  explicit HostName(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// An IPv4 or IPv6 address. IPv4-mapped IPv6 is stored as IPv4. No zone ids.
class IpAddress {
 public:
  // Accepts every spelling that inet_aton and inet_pton take, brackets around
  // IPv6 and a trailing dot too, so that no spelling slips past a rule.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  [[nodiscard]] static IpAddress v6(std::array<std::uint8_t, 16> bytes);

  [[nodiscard]] bool is_v4() const { return is_v4_; }
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // v4: first 4
  [[nodiscard]] std::string text() const;                                             // RFC 5952
  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  bool is_v4_ = false;
};

// 127.0.0.1 and ::1.
[[nodiscard]] const IpAddress& ipv4_loopback();
[[nodiscard]] const IpAddress& ipv6_loopback();

struct Cidr {
  IpAddress base;  // host bits are zero
  std::uint8_t prefix = 0;

  // "10.0.0.0/8", "fc00::/7", "[fc00::]/7", or one address. kInvalid if host
  // bits are set, since then either the base or the length is a mistake.
  [[nodiscard]] static Result<Cidr> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string text() const;  // an address alone where that is all it contains
  auto operator<=>(const Cidr&) const = default;
};

// "*.example.com": every name below, not the name itself. Never a public suffix.
struct Subdomains {
  HostName of;
  auto operator<=>(const Subdomains&) const = default;
};

struct AnyHost {  // "*": for deny rules only
  auto operator<=>(const AnyHost&) const = default;
};

using HostPattern = std::variant<HostName, Subdomains, Cidr, AnyHost>;

// Is `name` one that `pattern` means?
[[nodiscard]] bool covers(const HostPattern& pattern, const HostName& name);

struct HostRule {
  HostPattern host;
  std::optional<std::uint16_t> port;  // absent: every port
  std::string reason;                 // of a deny rule; shown to the user and the model

  // "host", "host:port", "*.host:port", "1.2.3.4", "[::1]:443", "10.0.0.0/8:22",
  // "[fc00::]/7:22". "*" and a network of every address are for deny rules only,
  // and taken with Any::kAccepted.
  enum class Any : std::uint8_t { kRefused, kAccepted };
  [[nodiscard]] static Result<HostRule> parse(std::string_view text, Any any = Any::kRefused);
  [[nodiscard]] std::string text() const;  // canonical
  auto operator<=>(const HostRule&) const = default;
};

}  // namespace carrel::policy
