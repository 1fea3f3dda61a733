// The text of a rule about hosts: which part is the host, and which the port.
#include <libpsl.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/path.h"
#include "policy/hosts.h"
#include "policy/ports.h"

namespace carrel::policy {
namespace {

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }
// On the list because its names keep users' content apart, but GitHub alone
// gives them out: nobody can get one to listen on.
constexpr std::array<std::string_view, 1> kOwnersNames = {"githubusercontent.com"};

// True if names directly below are handed out to whoever asks: "com", "co.uk",
// "github.io", and every name of one label.
bool is_public_suffix(const HostName& name) {
  if (std::find(kOwnersNames.begin(), kOwnersNames.end(), name.text()) != kOwnersNames.end()) {
    return false;
  }
  const psl_ctx_t* const list = ::psl_builtin();
  // Without a list every suffix may be public.
  return list == nullptr || ::psl_is_public_suffix(list, name.text().c_str()) == 1;
}

struct Split {
  std::string_view host;
  std::optional<std::string_view> port;
};

// Splits "host", "host:port", "[v6]:port" and "[v6]/length:port".
Result<Split> split_port(std::string_view text) {
  std::size_t after = 0;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return invalid(in_quotes(text) + " has a '[' without ']'; write it as '[::1]:443'");
    }
    after = close + 1;
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    // "fc00::/7" can only be a network; "::1:443" could be two things.
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos && text.find(':', slash) == std::string_view::npos) {
      return Split{text, std::nullopt};
    }
    return invalid(in_quotes(text) +
                   " could be an address or end in a port; write the address in "
                   "brackets, as in '[::1]:443'");
  }
  const std::size_t colon = text.find(':', after);
  if (colon == std::string_view::npos) return Split{text, std::nullopt};
  return Split{text.substr(0, colon), text.substr(colon + 1)};
}

// An address, a network, or a name that resolvers would read as an address.
bool is_numeric(std::string_view host) {
  const std::string_view address = host.substr(0, host.find('/'));
  if (address.find(':') != std::string_view::npos || address.starts_with('[')) return true;
  return IpAddress::parse(address).ok();
}

Result<HostPattern> parse_subdomains(std::string_view text) {
  CARREL_TRY(HostName of, HostName::parse(text.substr(2)));
  if (is_public_suffix(of)) {
    return invalid(in_quotes(text) +
                   " covers names that anyone can register; name the hosts that are "
                   "needed, as in 'example." +
                   of.text() + "'");
  }
  return HostPattern(Subdomains{std::move(of)});
}

Result<HostPattern> parse_host(std::string_view text, HostRule::Any any) {
  if (text == "*") {
    if (any == HostRule::Any::kAccepted) return HostPattern(AnyHost{});
    return invalid("'*' would allow every host; name the hosts that are needed");
  }
  if (text.starts_with("*.")) return parse_subdomains(text);
  if (is_numeric(text)) {
    CARREL_TRY(const Cidr network, Cidr::parse(text));
    if (network.prefix == 0 && any == HostRule::Any::kRefused) {
      return invalid(in_quotes(text) +
                     " would allow every address; name the networks that are needed");
    }
    return HostPattern(network);
  }
  CARREL_TRY(HostName name, HostName::parse(text));
  return HostPattern(std::move(name));
}

std::string text_of(const HostPattern& host) {
  if (const auto* name = std::get_if<HostName>(&host)) return name->text();
  if (const auto* below = std::get_if<Subdomains>(&host)) return "*." + below->of.text();
  if (const auto* network = std::get_if<Cidr>(&host)) {
    if (network->base.is_v4()) return network->text();
    std::string text = "[" + network->text();
    text.insert(std::min(text.find('/'), text.size()), "]");
    return text;
  }
  return "*";
}

}  // namespace

bool covers(const HostPattern& pattern, const HostName& name) {
  if (const auto* exact = std::get_if<HostName>(&pattern)) return *exact == name;
  if (const auto* below = std::get_if<Subdomains>(&pattern)) return name.is_below(below->of);
  return std::holds_alternative<AnyHost>(pattern);
}

Result<HostRule> HostRule::parse(std::string_view text, Any any) {
  // A URL has colons of its own; HostName knows what to say about it.
  if (text.find("://") != std::string_view::npos) {
    return std::move(HostName::parse(text)).error();
  }
  CARREL_TRY(const Split split, split_port(text));
  CARREL_TRY(HostPattern host, parse_host(split.host, any));
  std::optional<std::uint16_t> port;
  if (split.port) {
    CARREL_TRY(port, parse_port(*split.port));
  }
  return HostRule{std::move(host), port, {}};
}

std::string HostRule::text() const {
  return text_of(host) + (port ? ":" + std::to_string(*port) : "");
}

}  // namespace carrel::policy
