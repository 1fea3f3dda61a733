#include "policy/ports.h"

#include <charconv>

#include "base/path.h"

namespace carrel::policy {
namespace {

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  if (failure != std::errc{} || stop != end || port == 0 || text.front() == '0') {
    return invalid("port " + in_quotes(text) + " is not a number from 1 to 65535");
  }
  return port;
}

Result<HostPort> HostPort::parse(std::string_view text) {
  CARREL_TRY(const std::uint16_t port, parse_port(text));
  return HostPort{port};
}

Result<PublishedPort> PublishedPort::parse(std::string_view text) {
  // From the right: one port or two, and an address before them.
  PublishedPort published;
  std::size_t colon = text.rfind(':');
  CARREL_TRY(published.inside, parse_port(text.substr(colon + 1)));
  published.outside = published.inside;
  if (colon == std::string_view::npos) return published;
  std::string_view rest = text.substr(0, colon);
  const std::size_t second = rest.rfind(':');
  const std::string_view middle = rest.substr(second + 1);
  if (is_number(middle)) {
    CARREL_TRY(published.outside, parse_port(middle));
    if (second == std::string_view::npos) return published;
    rest = rest.substr(0, second);
  }
  // Other spellings of an address ("1" is 0.0.0.1) would read as ports.
  const bool plain = rest.find('.') != std::string_view::npos && rest.find(':') == rest.npos;
  Result<IpAddress> address = IpAddress::parse(rest);
  if (!address.ok() || (!plain && !rest.starts_with('['))) {
    return invalid(in_quotes(text) +
                   " is not [ADDRESS:]PORT or [ADDRESS:]PORT:INSIDE; the address is one of this "
                   "machine, as in '127.0.0.1:8080' or '[::1]:8080'");
  }
  published.address = std::move(address).value();
  return published;
}

std::string PublishedPort::place() const {
  const std::string port = ":" + std::to_string(outside);
  return address.is_v4() ? address.text() + port : "[" + address.text() + "]" + port;
}

std::string PublishedPort::text() const {
  const std::string from = address == ipv4_loopback() ? std::to_string(outside) : place();
  return outside == inside ? from : from + ":" + std::to_string(inside);
}

}  // namespace carrel::policy
