#include "policy/read_requests.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "base/path.h"
#include "policy/format.h"
#include "policy/units.h"

namespace carrel::policy {
namespace {

constexpr std::size_t kMaxLabel = 63;

// A token of HTTP (RFC 9110 5.6.2): a method, a field's name, a scheme.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabel && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

class RequestReader {
 public:
  RequestReader(const Source& source, const PathContext& context, NetworkPolicy& network)
      : source_(source), context_(context), network_(network) {}

  Status read(const Table& root) {
    CARREL_CHECK(each(root, "gateway", kGatewayKeys,
                      [&](const Table& table, Position at) { return read_gateway(table, at); }));
    CARREL_CHECK(each(root, "request", kRequestKeys,
                      [&](const Table& table, Position at) { return read_rule(table, at); }));
    return each(root, "credential", kCredentialKeys,
                [&](const Table& table, Position at) { return read_credential(table, at); });
  }

 private:
  template <typename Keys, typename Read>
  Status each(const Table& root, std::string_view key, const Keys& keys, Read read_one) {
    const Member* member = find_member(root, key);
    if (member == nullptr) return Unit{};
    CARREL_TRY(const Array* tables, source_.array(*member));
    for (const Value& value : *tables) {
      const auto* table = std::get_if<Table>(&value.data);
      if (table == nullptr) return source_.wrong_type(key, "a list of tables", value);
      CARREL_CHECK(source_.check_keys(*table, "in [[" + std::string(key) + "]]", keys));
      CARREL_CHECK(read_one(*table, value.at));
    }
    return Unit{};
  }

  // "" where the key is absent.
  Result<std::string> text(const Table& table, std::string_view key) const {
    const Member* member = find_member(table, key);
    if (member == nullptr) return std::string();
    CARREL_TRY(const std::string_view value, source_.string(*member));
    if (value.empty() || printable(value) != value) {
      return source_.error(member->value.at, std::string(key) +
                                                 " is one line of printable text; write it, or "
                                                 "leave the key out");
    }
    return std::string(value);
  }

  Status read_gateway(const Table& table, Position at);
  Result<Gateway> to_gateway(const Table& table, Position at) const;
  Status read_rule(const Table& table, Position at);
  Status read_credential(const Table& table, Position at);
  Result<RequestScope> scope(const Table& table, Position at) const;
  Status read_place(const Table& table, Position at, Credential& credential) const;
  Status read_source(const Table& table, Position at, Credential& credential) const;
  [[nodiscard]] Error fault(Position at, std::string_view what) const {
    return source_.error(at, what);
  }

  const Source& source_;
  const PathContext& context_;
  NetworkPolicy& network_;
};

Result<Gateway> RequestReader::to_gateway(const Table& table, Position at) const {
  Gateway gateway;
  CARREL_TRY(gateway.name, text(table, "name"));
  CARREL_TRY(const std::string url, text(table, "url"));
  if (!is_label(gateway.name)) {
    return fault(at,
                 "the gateway needs a name of lower-case letters, digits and '-'; write name = "
                 "\"model\", which is http://model.gateway/ inside");
  }
  if (url.empty()) {
    return fault(at, "the gateway has no url; write url = \"https://api.example.com/v1\"");
  }
  const Position url_at = find_member(table, "url")->value.at;
  const auto parsed = boost::urls::parse_uri(url);
  const auto bad = [&](std::string_view what) {
    return fault(url_at, in_quotes(url) + " " + std::string(what) +
                             "; write it as in \"https://api.example.com/v1\"");
  };
  if (!parsed) return bad("is no URL");
  if (parsed->scheme() != "https" && parsed->scheme() != "http") {
    return bad("is neither https:// nor http://");
  }
  if (parsed->has_userinfo()) return bad("holds a user name; use a [[credential]] for it");
  if (parsed->has_query() || parsed->has_fragment()) return bad("holds a query or a fragment");
  const bool tls = parsed->scheme() == "https";
  gateway.scheme = tls ? Gateway::Scheme::kHttps : Gateway::Scheme::kHttp;
  gateway.port = tls ? 443 : 80;
  if (parsed->has_port()) {
    const std::string_view port(parsed->port().data(), parsed->port().size());
    const auto [end, failure] =
        std::from_chars(port.data(), port.data() + port.size(), gateway.port);
    if (failure != std::errc{} || end != port.data() + port.size() || gateway.port == 0) {
      return bad("has a port that is none");
    }
  }
  const std::string host(parsed->encoded_host());
  Result<IpAddress> address = IpAddress::parse(host);
  if (address.ok()) {
    gateway.host = address.value();
  } else {
    Result<HostName> name = HostName::parse(host);
    if (!name.ok()) return source_.locate(url_at, std::move(name).error());
    gateway.host = std::move(name).value();
  }
  gateway.base_path = std::string(parsed->encoded_path());
  while (gateway.base_path.ends_with('/')) gateway.base_path.pop_back();
  if (gateway.base_path.find_first_of("%\\;") != std::string::npos ||
      gateway.base_path.find("//") != std::string::npos ||
      gateway.base_path.find("/.") != std::string::npos) {
    return bad("has a path that can be read in two ways");
  }
  return gateway;
}

Status RequestReader::read_gateway(const Table& table, Position at) {
  CARREL_TRY(Gateway gateway, to_gateway(table, at));
  for (const Gateway& other : network_.gateways) {
    if (other.name == gateway.name) {
      return fault(at, "there are two gateways named '" + gateway.name + "'; rename one of them");
    }
  }
  network_.gateways.insert(std::move(gateway));
  return Unit{};
}

Result<RequestScope> RequestReader::scope(const Table& table, Position at) const {
  RequestScope scope;
  CARREL_TRY(scope.gateway, text(table, "gateway"));
  if (!scope.gateway.empty() && std::ranges::none_of(network_.gateways, [&](const Gateway& known) {
        return known.name == scope.gateway;
      })) {
    return fault(at, "there is no gateway named '" + scope.gateway + "'; add a [[gateway]] for it");
  }
  const auto list = [&](std::string_view key, auto into) -> Status {
    const Member* member = find_member(table, key);
    if (member == nullptr) return Unit{};
    CARREL_TRY(const Array* elements, source_.array(*member));
    if (elements->empty()) {
      return fault(member->value.at, std::string(key) + " is empty; leave it out for all of them");
    }
    for (const Value& element : *elements) {
      CARREL_TRY(const std::string_view one, source_.string_in(key, element));
      Status done = into(one);
      if (!done.ok()) return source_.locate(element.at, std::move(done).error());
    }
    return Unit{};
  };
  CARREL_CHECK(list("hosts", [&](std::string_view one) -> Status {
    CARREL_TRY(HostRule rule, HostRule::parse(one));
    if (!covers(network_.inspect, rule) || covers(network_.inspect_exclude, rule)) {
      return Error{Errc::kInvalid, "'" + rule.text() +
                                       "' is not inspected, so its requests cannot be seen; add it "
                                       "to `inspect` under [network]"};
    }
    scope.hosts.insert(std::move(rule));
    return Unit{};
  }));
  CARREL_CHECK(list("methods", [&](std::string_view one) -> Status {
    const bool upper = std::ranges::none_of(one, [](char c) { return c >= 'a' && c <= 'z'; });
    if (!is_token(one) || !upper || one == "CONNECT") {
      return Error{Errc::kInvalid, in_quotes(one) + " is no method; write it as in \"POST\""};
    }
    scope.methods.emplace(one);
    return Unit{};
  }));
  CARREL_CHECK(list("paths", [&](std::string_view one) -> Status {
    if (!one.starts_with('/')) {
      return Error{Errc::kInvalid, in_quotes(one) + " is no path; begin it with '/'"};
    }
    CARREL_TRY(Glob glob, Glob::parse(one));
    scope.paths.insert(std::move(glob));
    return Unit{};
  }));
  if (scope.hosts.empty() == scope.gateway.empty()) {
    return fault(at, "say where it is for: hosts = [\"api.example.com\"], or gateway = \"model\"");
  }
  return scope;
}

Status RequestReader::read_rule(const Table& table, Position at) {
  RequestRule rule;
  CARREL_TRY(rule.scope, scope(table, at));
  CARREL_TRY(const std::string action, text(table, "action"));
  if (action != "allow" && action != "deny") {
    return fault(at, "the rule says neither action = \"allow\" nor action = \"deny\"; add one");
  }
  rule.action = action == "allow" ? RequestRule::Action::kAllow : RequestRule::Action::kDeny;
  CARREL_TRY(rule.reason, text(table, "reason"));
  if (const Member* member = find_member(table, "max_request_bytes")) {
    std::string size;
    if (const auto* number = std::get_if<std::int64_t>(&member->value.data)) {
      size = std::to_string(*number);
    } else {
      CARREL_TRY(size, source_.string(*member));
    }
    Result<std::uint64_t> bytes = parse_size(size);
    if (!bytes.ok()) return source_.locate(member->value.at, std::move(bytes).error());
    rule.max_bytes = bytes.value();
  }
  if (rule.action == RequestRule::Action::kDeny && rule.max_bytes) {
    return fault(at,
                 "max_request_bytes is for rules that allow; remove it, or say action = "
                 "\"allow\"");
  }
  if (rule.action == RequestRule::Action::kAllow && !rule.reason.empty()) {
    return fault(at, "a reason is for rules that deny; remove it, or say action = \"deny\"");
  }
  if (!network_.requests.insert(std::move(rule)).second) {
    return fault(at, "the same rule stands here twice; remove one of them");
  }
  return Unit{};
}

Status RequestReader::read_place(const Table& table, Position at, Credential& credential) const {
  CARREL_TRY(const std::string header, text(table, "header"));
  CARREL_TRY(const std::string query, text(table, "query"));
  CARREL_TRY(credential.scheme, text(table, "scheme"));
  const Member* basic = find_member(table, "basic");
  if ((header.empty() ? 0 : 1) + (query.empty() ? 0 : 1) + (basic == nullptr ? 0 : 1) != 1) {
    return fault(at,
                 "say where it goes: header = \"x-api-key\", basic = { user = \"...\" }, or "
                 "query = \"key\"");
  }
  if (!credential.scheme.empty() && (header.empty() || !is_token(credential.scheme))) {
    return fault(at,
                 "scheme is one word before the secret in a header, as in scheme = "
                 "\"Bearer\"; mend or remove it");
  }
  if (!header.empty()) {
    credential.place = Credential::Place::kHeader;
    credential.field = header;
    if (is_token(header)) return Unit{};
    return fault(at, in_quotes(header) + " is no header's name; write it as in \"x-api-key\"");
  }
  if (!query.empty()) {
    credential.place = Credential::Place::kQuery;
    credential.field = query;
    if (is_token(query) && query.find_first_of("&%+#'") == std::string::npos) return Unit{};
    return fault(at, in_quotes(query) +
                         " is no plain key of a query; use letters, digits, '-', "
                         "'_'");
  }
  CARREL_TRY(const Table* user, source_.table(*basic));
  CARREL_CHECK(source_.check_keys(*user, "in basic", kBasicKeys));
  credential.place = Credential::Place::kBasic;
  CARREL_TRY(credential.field, text(*user, "user"));
  if (credential.field.find(':') != std::string::npos) {
    return fault(basic->value.at, "a user name of Basic holds no ':'; remove it");
  }
  return Unit{};
}

Status RequestReader::read_source(const Table& table, Position at, Credential& credential) const {
  CARREL_TRY(const std::string variable, text(table, "env"));
  CARREL_TRY(const std::string file, text(table, "file"));
  const Member* command = find_member(table, "command");
  if ((variable.empty() ? 0 : 1) + (file.empty() ? 0 : 1) + (command == nullptr ? 0 : 1) != 1) {
    return fault(at,
                 "say where the secret comes from: env = \"API_KEY\", file = "
                 "\"~/.config/key\", or command = [\"pass\", \"show\", \"key\"]");
  }
  if (!variable.empty()) {
    credential.source = Credential::Source::kVariable;
    credential.from = {variable};
    return Unit{};
  }
  if (!file.empty()) {
    credential.source = Credential::Source::kFile;
    Result<std::string> path = absolute_path(file, context_);
    if (!path.ok()) {
      return source_.locate(find_member(table, "file")->value.at, std::move(path).error());
    }
    credential.from = {std::move(path).value()};
    return Unit{};
  }
  credential.source = Credential::Source::kCommand;
  CARREL_TRY(const Array* words, source_.array(*command));
  for (const Value& word : *words) {
    CARREL_TRY(const std::string_view one, source_.string_in("command", word));
    credential.from.emplace_back(one);
  }
  if (credential.from.empty() || credential.from.front().empty()) {
    return fault(command->value.at, "the command is empty; name a program");
  }
  return Unit{};
}

Status RequestReader::read_credential(const Table& table, Position at) {
  Credential credential;
  CARREL_TRY(credential.scope, scope(table, at));
  CARREL_CHECK(read_place(table, at, credential));
  CARREL_CHECK(read_source(table, at, credential));
  CARREL_TRY(credential.placeholder_variable, text(table, "placeholder_env"));
  CARREL_TRY(credential.name, text(table, "name"));
  if (credential.name.empty()) {
    credential.name = credential.scope.gateway.empty() ? credential.scope.hosts.begin()->text()
                                                       : credential.scope.gateway;
  }
  if (const Member* only = find_member(table, "only")) {
    CARREL_TRY(credential.only, source_.boolean(*only));
  }
  for (const Credential& other : network_.credentials) {
    if (other.name == credential.name) {
      return fault(at, "there are two credentials named '" + credential.name +
                           "'; give one of them another name = \"...\"");
    }
    if (!credential.placeholder_variable.empty() &&
        other.placeholder_variable == credential.placeholder_variable) {
      return fault(at, "two credentials have " + credential.placeholder_variable +
                           " for their placeholder_env; a variable holds one; remove one");
    }
  }
  network_.credentials.insert(std::move(credential));
  return Unit{};
}

}  // namespace

Status read_requests(const Source& source, const Table& root, const PathContext& context,
                     NetworkPolicy& network) {
  return RequestReader(source, context, network).read(root);
}

}  // namespace carrel::policy
