#include "egress/destination.h"

#include <algorithm>
#include <charconv>

#include "base/path.h"

namespace carrel::egress {
namespace {

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, port);
  if (failure != std::errc{} || stop != end || port == 0) {
    return invalid("'" + printable(text) + "' is not a port from 1 to 65535");
  }
  return port;
}

}  // namespace

Result<Host> parse_host(std::string_view text) {
  if (Result<policy::IpAddress> address = policy::IpAddress::parse(text); address.ok()) {
    return Host(std::move(address).value());
  }
  // A name has neither of these, so only an address was meant; say what is wrong with it.
  if (text.find_first_of(":[]%") != std::string_view::npos) {
    return policy::IpAddress::parse(text).error();
  }
  CARREL_TRY(policy::HostName name, policy::HostName::parse(text));
  return Host(std::move(name));
}

std::string host_text(const Host& host) {
  return std::visit([](const auto& value) { return std::string(value.text()); }, host);
}

std::string Destination::text() const {
  const auto* address = std::get_if<policy::IpAddress>(&host);
  const bool v6 = address != nullptr && !address->is_v4();
  return (v6 ? "[" : "") + host_text(host) + (v6 ? "]:" : ":") + std::to_string(port);
}

std::string Destination::authority() const {
  std::string whole = text();
  if (port == 80) whole.resize(whole.rfind(':'));
  return whole;
}

Result<Destination> parse_authority(std::string_view text, std::uint16_t default_port) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) {
    return invalid("'" + printable(text) + "' has a '[' without ']'");
  }
  if (bracket == 0 && std::count(text.begin(), text.end(), ':') > 1) {
    return invalid("'" + printable(text) + "': an IPv6 address stands in brackets");
  }
  const std::size_t colon = text.find(':', bracket);
  std::uint16_t port = default_port;
  if (colon != std::string_view::npos) {
    CARREL_TRY(port, parse_port(text.substr(colon + 1)));
  } else if (default_port == 0) {
    return invalid("'" + printable(text) + "' has no port");
  }
  CARREL_TRY(Host host, parse_host(text.substr(0, colon)));
  return Destination{std::move(host), port};
}

}  // namespace carrel::egress
