#include "policy/hosts.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/ascii.h"
#include "base/path.h"

namespace carrel::policy {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;
constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }
std::string_view without_dot(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  return text;
}

// "https://user@host:8443/path" -> "host:8443"; the port of a bare http(s) URL is added.
std::string host_of_url(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, scheme_end);
  std::string_view rest = url.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(rest.rfind('@') + 1);
  std::string host(rest);
  if (host.find(':') == std::string::npos && scheme == "https") host += ":443";
  if (host.find(':') == std::string::npos && scheme == "http") host += ":80";
  return host;
}

// The xn-- form of a name that is written in another script.
Error not_ascii(std::string_view text) {
  constexpr int kFlags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
  const bool wildcard = text.starts_with("*.");
  const std::string name(text.substr(wildcard ? 2 : 0));
  char* converted = nullptr;
  if (::idn2_to_ascii_8z(name.c_str(), &converted, kFlags) != IDN2_OK) {
    return invalid(in_quotes(text) + " is not a name that DNS can hold; write its xn-- form");
  }
  const std::unique_ptr<char, void (*)(void*)> owner(converted, ::idn2_free);
  return invalid(in_quotes(text) +
                 " holds characters beyond ASCII, which can look like others; write '" +
                 (wildcard ? "*." : "") + converted + "'");
}

// Refuses what is not a host at all, with what to write instead.
Status check_characters(std::string_view text) {
  if (text.empty()) return invalid("the host name is empty; write one, as in 'example.com'");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      return invalid(in_quotes(text) + " holds a control character; remove it");
    }
    if (c == ' ') return invalid(in_quotes(text) + " holds a space; remove it");
  }
  if (text.find("://") != std::string_view::npos) {
    return invalid(in_quotes(text) + " is a URL; write the host and port alone: '" +
                   printable(host_of_url(text)) + "'");
  }
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    return invalid(in_quotes(text) + " holds a user name; write '" +
                   printable(text.substr(at + 1)) + "'");
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; })) {
    return not_ascii(text);
  }
  return Unit{};
}

Status check_label(std::string_view label, std::string_view name) {
  if (label.empty()) return invalid(in_quotes(name) + " has an empty label; remove the extra dot");
  if (label.size() > kMaxLabel) {
    return invalid(in_quotes(name) + " has a label of more than 63 characters; shorten it");
  }
  if (label.front() == '-' || label.back() == '-') {
    return invalid(in_quotes(name) + " has a label that starts or ends with '-'; remove it");
  }
  for (const char c : label) {
    if (is_lower(c) || is_digit(c) || c == '-' || c == '_') continue;
    if (c == '*') {
      return invalid("'*' in " + in_quotes(name) +
                     " can only stand for whole labels in front, as in '*.example.com'");
    }
    if (c == '/') {
      return invalid(in_quotes(name) + " has a path; write the host alone: '" +
                     printable(name.substr(0, name.find('/'))) + "'");
    }
    return invalid(in_quotes(name) + " holds " + in_quotes({&c, 1}) +
                   ", which no host name has; use letters, digits, '-' and '.'");
  }
  return Unit{};
}

// Resolvers read a name whose last label is a number as an address ("127.1").
bool ends_in_number(std::string_view name) {
  name = without_dot(name);
  std::string_view last = name.substr(name.rfind('.') + 1);
  if (last.starts_with("0x") || last.starts_with("0X")) {
    return std::all_of(last.begin() + 2, last.end(), is_hex);
  }
  return !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
}

bool is_zero_below(const std::array<std::uint8_t, 16>& bytes, unsigned prefix) {
  for (unsigned bit = prefix; bit < 128; ++bit) {
    if ((bytes[bit / 8] & (0x80u >> (bit % 8))) != 0) return false;
  }
  return true;
}

}  // namespace

const IpAddress& ipv4_loopback() {
  static const IpAddress kAddress = IpAddress::v4({127, 0, 0, 1});
  return kAddress;
}

const IpAddress& ipv6_loopback() {
  static const IpAddress kAddress = IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  return kAddress;
}

Result<HostName> HostName::parse(std::string_view text) {
  CARREL_CHECK(check_characters(text));
  if (text.starts_with('[') || ends_in_number(text)) {
    return invalid(in_quotes(text) + " is an IP address, not a name");
  }
  std::string name(without_dot(text));
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  if (name.empty()) return invalid("the host name is empty; write one, as in 'example.com'");

  std::string_view rest = name;
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    CARREL_CHECK(check_label(rest.substr(0, dot), name));
    rest.remove_prefix(more ? dot + 1 : rest.size());
  }
  if (name.size() > kMaxName) {
    return invalid(in_quotes(name) +
                   " is longer than the 253 characters of a host name; shorten it");
  }
  return HostName(std::move(name));
}

bool HostName::is_below(const HostName& parent) const {
  return text_.size() > parent.text_.size() + 1 && text_.ends_with(parent.text_) &&
         text_[text_.size() - parent.text_.size() - 1] == '.';
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  address.is_v4_ = true;
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  IpAddress address;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const Error malformed = invalid(in_quotes(text) +
                                  " is not an IP address; write it as 192.0.2.1 or "
                                  "[2001:db8::1]");
  std::string_view rest = text;
  const bool bracketed = rest.starts_with('[') && rest.ends_with(']');
  if (bracketed) rest = rest.substr(1, rest.size() - 2);
  if (rest.find('\0') != std::string_view::npos) return malformed;
  if (rest.find('%') != std::string_view::npos) {
    return invalid(in_quotes(text) +
                   " has a zone, which means nothing in a sandbox; remove it from "
                   "the '%' on");
  }
  if (rest.find(':') != std::string_view::npos) {
    std::array<std::uint8_t, 16> bytes{};
    if (::inet_pton(AF_INET6, std::string(rest).c_str(), bytes.data()) != 1) return malformed;
    return v6(bytes);
  }
  const bool plain = std::all_of(rest.begin(), rest.end(), [](char c) {
    return is_hex(c) || c == 'x' || c == 'X' || c == '.';  // inet_aton stops at a space
  });
  in_addr address{};
  if (bracketed || !plain || ::inet_aton(std::string(without_dot(rest)).c_str(), &address) != 1) {
    return malformed;
  }
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &address.s_addr, bytes.size());
  return v4(bytes);
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  ::inet_ntop(is_v4_ ? AF_INET : AF_INET6, bytes_.data(), buffer.data(), buffer.size());
  return buffer.data();
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  CARREL_TRY(const IpAddress base, IpAddress::parse(text.substr(0, slash)));
  const unsigned longest = base.is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Cidr{base, static_cast<std::uint8_t>(longest)};

  const std::string_view digits = text.substr(slash + 1);
  // A mapped IPv4 address has been taken as IPv4, its length counts from there.
  const bool mapped = base.is_v4() && text.find(':') < slash;
  unsigned prefix = 0;
  const auto [stop, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  const bool well_formed = failure == std::errc{} && stop == digits.data() + digits.size() &&
                           (digits.size() == 1 || digits.front() != '0');
  if (mapped && well_formed) {
    if (prefix < 96) return invalid(in_quotes(text) + " covers IPv4; write it as an IPv4 network");
    prefix -= 96;
  }
  if (!well_formed || prefix > longest) {
    return invalid(in_quotes(digits) + " is not the length of a network; write 0 to " +
                   std::to_string(longest));
  }
  if (!is_zero_below(base.bytes(), prefix)) {
    return invalid(in_quotes(text) + " has bits set below /" + std::string(digits) +
                   "; write the first address of the network, or a longer length");
  }
  return Cidr{base, static_cast<std::uint8_t>(prefix)};
}

bool Cidr::contains(const IpAddress& address) const {
  if (address.is_v4() != base.is_v4()) return false;
  for (unsigned bit = 0; bit < prefix; ++bit) {
    const unsigned mask = 0x80u >> (bit % 8);
    if (((address.bytes()[bit / 8] ^ base.bytes()[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

std::string Cidr::text() const {
  if (prefix == (base.is_v4() ? 32 : 128)) return base.text();
  return base.text() + "/" + std::to_string(prefix);
}

}  // namespace carrel::policy
