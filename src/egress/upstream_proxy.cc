#include "egress/upstream_proxy.h"

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "base/path.h"
#include "egress/special_address.h"

namespace carrel::egress {
namespace {

namespace urls = boost::urls;

std::string base64(std::string_view text) {
  namespace codec = boost::beast::detail::base64;
  std::string out(codec::encoded_size(text.size()), '\0');
  out.resize(codec::encode(out.data(), text.data(), text.size()));
  return out;
}

Result<UpstreamProxy> parse_proxy(std::string_view text) {
  const std::string whole = text.find("://") == std::string_view::npos
                                ? "http://" + std::string(text)
                                : std::string(text);
  const auto url = urls::parse_uri(whole);
  // Never the text itself: it may hold a password.
  if (!url) return Error{Errc::kInvalid, "is not the address of a proxy: http://host:port"};
  if (url->scheme() != "http") {
    return Error{Errc::kUnsupported, "names a proxy that speaks " +
                                         printable(std::string(url->scheme())) +
                                         "; carrel can go through one that speaks plain http"};
  }
  CARREL_TRY(Destination at, parse_authority(std::string_view(url->encoded_host_and_port().data(),
                                                              url->encoded_host_and_port().size()),
                                             80));
  std::string authorization;
  if (url->has_userinfo()) {
    authorization = "Basic " + base64(url->user() + ":" + url->password());
  }
  return UpstreamProxy{std::move(at), std::move(authorization)};
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_loopback(const Host& host) {
  const auto* address = std::get_if<policy::IpAddress>(&host);
  if (address == nullptr) return false;
  const SpecialRange* special = special_range(*address);
  return special != nullptr && special->what == "a loopback address";
}

}  // namespace

Result<UpstreamProxies> UpstreamProxies::from_environment(const Lookup& lookup) {
  const auto read = [&](const char* lower,
                        const char* upper) -> Result<std::optional<UpstreamProxy>> {
    for (const char* name : {lower, upper}) {
      const auto value = lookup(name);
      if (!value || trimmed(*value).empty()) continue;
      Result<UpstreamProxy> proxy = parse_proxy(trimmed(*value));
      if (!proxy.ok()) return std::move(proxy).error().in(name);
      return std::optional(std::move(proxy).value());
    }
    return std::optional<UpstreamProxy>();
  };
  UpstreamProxies proxies;
  CARREL_TRY(proxies.http_, read("http_proxy", "HTTP_PROXY"));
  CARREL_TRY(proxies.tunnel_, read("https_proxy", "HTTPS_PROXY"));
  if (!proxies.http_ || !proxies.tunnel_) {
    CARREL_TRY(const auto all, read("all_proxy", "ALL_PROXY"));
    if (!proxies.http_) proxies.http_ = all;
    if (!proxies.tunnel_) proxies.tunnel_ = all;
  }
  for (const char* name : {"no_proxy", "NO_PROXY"}) {
    const auto value = lookup(name);
    if (!value) continue;
    CARREL_TRY(proxies.exceptions_, parse_exceptions(*value));
    break;
  }
  return proxies;
}

// What is none of the forms below is passed over, as everybody does.
Result<std::vector<UpstreamProxies::Exception>> UpstreamProxies::parse_exceptions(
    std::string_view text) {
  std::vector<Exception> exceptions;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view entry = trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (entry.empty()) continue;
    if (entry == "*") {
      exceptions.push_back({std::nullopt, "*", std::nullopt});
      continue;
    }
    if (Result<policy::Cidr> network = policy::Cidr::parse(entry); network.ok()) {
      exceptions.push_back({network.value(), {}, std::nullopt});
      continue;
    }
    std::optional<std::uint16_t> port;
    if (const std::size_t colon = entry.rfind(':'); colon != std::string_view::npos) {
      std::uint16_t number = 0;
      std::from_chars(entry.data() + colon + 1, entry.data() + entry.size(), number);
      port = number;
      entry = entry.substr(0, colon);
    }
    if (entry.starts_with("*.")) entry.remove_prefix(2);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    Result<Host> host = parse_host(entry);
    if (!host.ok()) continue;
    if (const auto* address = std::get_if<policy::IpAddress>(&host.value())) {
      const std::uint8_t whole = address->is_v4() ? 32 : 128;
      exceptions.push_back({policy::Cidr{*address, whole}, {}, port});
    } else {
      exceptions.push_back({std::nullopt, host_text(host.value()), port});
    }
  }
  return exceptions;
}

bool UpstreamProxies::goes_directly(const Destination& destination) const {
  if (is_loopback(destination.host)) return true;
  const auto* address = std::get_if<policy::IpAddress>(&destination.host);
  const std::string name = host_text(destination.host);
  return std::any_of(exceptions_.begin(), exceptions_.end(), [&](const Exception& exception) {
    if (exception.port && *exception.port != destination.port) return false;
    if (exception.suffix == "*") return true;
    if (exception.network) return address != nullptr && exception.network->contains(*address);
    return address == nullptr &&
           (name == exception.suffix || name.ends_with("." + exception.suffix));
  });
}

std::string UpstreamProxies::text() const {
  if (http_ == tunnel_) return http_ ? http_->at.text() : "";
  std::string text = http_ ? http_->at.text() + " for http" : "";
  if (tunnel_) text += (text.empty() ? "" : ", ") + tunnel_->at.text() + " for TLS and SOCKS";
  return text;
}

const UpstreamProxy* UpstreamProxies::for_tunnel(const Destination& destination) const {
  return tunnel_ && !goes_directly(destination) ? &*tunnel_ : nullptr;
}

const UpstreamProxy* UpstreamProxies::for_http(const Destination& destination) const {
  return http_ && !goes_directly(destination) ? &*http_ : nullptr;
}

}  // namespace carrel::egress
