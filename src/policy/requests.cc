#include "policy/requests.h"

#include <algorithm>

namespace carrel::policy {
namespace {

bool covers_host(const HostPattern& wide, const HostPattern& narrow) {
  if (std::holds_alternative<AnyHost>(wide)) return true;
  if (const auto* name = std::get_if<HostName>(&narrow)) return covers(wide, *name);
  if (const auto* below = std::get_if<Subdomains>(&wide)) {
    const auto* other = std::get_if<Subdomains>(&narrow);
    return other != nullptr && (other->of == below->of || other->of.is_below(below->of));
  }
  const auto* network = std::get_if<Cidr>(&wide);
  const auto* other = std::get_if<Cidr>(&narrow);
  return network != nullptr && other != nullptr && other->prefix >= network->prefix &&
         network->contains(other->base);
}

std::string host_text(const Gateway& gateway) {
  if (const auto* name = std::get_if<HostName>(&gateway.host)) return name->text();
  const auto& address = std::get<IpAddress>(gateway.host);
  return address.is_v4() ? address.text() : "[" + address.text() + "]";
}

}  // namespace

std::string Gateway::url() const {
  const bool tls = scheme == Scheme::kHttps;
  std::string text = (tls ? "https://" : "http://") + host_text(*this);
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text + base_path;
}

HostRule Gateway::grant() const {
  HostRule rule{AnyHost{}, port, {}};
  if (const auto* named = std::get_if<HostName>(&host)) {
    rule.host = *named;
  } else {
    const auto& address = std::get<IpAddress>(host);
    rule.host = Cidr{address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
  }
  return rule;
}

std::string source_text(const Credential& credential) {
  switch (credential.source) {
    case Credential::Source::kVariable:
      return "env " + credential.from.front();
    case Credential::Source::kFile:
      return "file " + credential.from.front();
    case Credential::Source::kCommand:
      return "command " + credential.from.front();
  }
  return {};
}

std::string place_text(const Credential& credential) {
  switch (credential.place) {
    case Credential::Place::kHeader:
      return "header " + credential.field +
             (credential.scheme.empty() ? "" : " with the scheme " + credential.scheme);
    case Credential::Place::kBasic:
      return credential.field.empty() ? "basic" : "basic user " + credential.field;
    case Credential::Place::kQuery:
      return "query " + credential.field;
  }
  return {};
}

std::string scope_text(const RequestScope& scope) {
  std::string text;
  for (const std::string& method : scope.methods) text += method + " ";
  for (const Glob& path : scope.paths) text += path.text() + " ";
  if (text.empty()) text = "every request ";
  if (!scope.gateway.empty()) return text + "through the gateway " + scope.gateway;
  text += "to";
  for (const HostRule& host : scope.hosts) text += " " + host.text();
  return text;
}

bool covers(const HostRule& wide, const HostRule& narrow) {
  return (!wide.port || wide.port == narrow.port) && covers_host(wide.host, narrow.host);
}

bool covers(const std::set<HostRule>& wide, const HostRule& narrow) {
  return std::ranges::any_of(wide, [&](const HostRule& rule) { return covers(rule, narrow); });
}

}  // namespace carrel::policy
