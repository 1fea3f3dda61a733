#include "egress/credential.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>

#include "base/ascii.h"
#include "base/path.h"
#include "egress/request_path.h"
#include "sys/error.h"

namespace carrel::egress {
namespace {

namespace codec = boost::beast::detail::base64;
using Place = policy::Credential::Place;

// Where keys are carried by custom: what `only` refuses besides its own place.
constexpr std::array<std::string_view, 9> kKeyFields = {
    "Authorization",  "Cookie",       "X-Api-Key",     "Api-Key",
    "X-Goog-Api-Key", "X-Auth-Token", "Private-Token", "X-Amz-Security-Token",
    "X-Access-Token"};
constexpr std::array<std::string_view, 6> kKeyParameters = {
    "key", "api_key", "apikey", "access_token", "token", "X-Amz-Signature"};

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }
boost::beast::string_view beast_view(std::string_view text) { return {text.data(), text.size()}; }

std::string base64(std::string_view text) {
  std::string out(codec::encoded_size(text.size()), '\0');
  out.resize(codec::encode(out.data(), text.data(), text.size()));
  return out;
}

std::string decoded_base64(std::string_view text) {
  std::string out(codec::decoded_size(text.size()) + 3, '\0');
  out.resize(codec::decode(out.data(), text.data(), text.size()).first);
  return out;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const std::optional<char> octet = percent_octet(text, i)) {
      out += *octet;
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

struct Parameter {
  std::string_view whole;  // "key=value", encoded
  std::string key;         // decoded
  std::string value;
};

std::vector<Parameter> parameters_of(std::string_view target) {
  std::vector<Parameter> parameters;
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return parameters;
  std::string_view rest = target.substr(mark + 1);
  while (true) {
    const std::size_t end = rest.find('&');
    const std::string_view whole = rest.substr(0, end);
    const std::size_t equals = std::min(whole.find('='), whole.size());
    const std::string_view value = whole.substr(std::min(equals + 1, whole.size()));
    if (!whole.empty()) {
      parameters.push_back(
          {whole, percent_decoded(whole.substr(0, equals)), percent_decoded(value)});
    }
    if (end == std::string_view::npos) return parameters;
    rest.remove_prefix(end + 1);
  }
}

// "Basic " with its blanks and its spelling as they may be.
std::optional<std::string> basic_text(std::string_view value) {
  constexpr std::string_view kBasic = "Basic";
  if (!starts_ignoring_case(value, kBasic)) return std::nullopt;
  value.remove_prefix(kBasic.size());
  if (!value.starts_with(' ')) return std::nullopt;
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return decoded_base64(value);
}

bool shows(std::string_view text, std::string_view secret) {
  if (text.find(secret) != std::string_view::npos) return true;
  const std::optional<std::string> inside = basic_text(text);
  return inside && inside->find(secret) != std::string::npos;
}

std::string field_of(const policy::Credential& rule) {
  return rule.place == Place::kBasic ? "Authorization" : rule.field;
}

std::string described(const policy::Credential& rule) {
  switch (rule.place) {
    case Place::kHeader:
      return rule.field;
    case Place::kBasic:
      return "Authorization";
    case Place::kQuery:
      return "the query's " + rule.field;
  }
  return {};
}

enum class Carried : std::uint8_t { kNothing, kPlaceholder, kOwn };

// What a header or parameter carries in the place of `held`.
Carried carried_in(std::vector<std::string> values, const HeldCredential& held) {
  std::erase_if(values, [](const std::string& value) { return value.empty(); });
  if (values.empty()) return Carried::kNothing;
  return std::ranges::all_of(values,
                             [&](const std::string& value) {
                               return !held.placeholder.empty() && shows(value, held.placeholder);
                             })
             ? Carried::kPlaceholder
             : Carried::kOwn;
}

std::vector<std::string> values_in_place(const RequestHead& head, const policy::Credential& rule) {
  std::vector<std::string> values;
  if (rule.place == Place::kQuery) {
    for (Parameter& parameter : parameters_of(view(head.target()))) {
      if (parameter.key == rule.field) values.push_back(std::move(parameter.value));
    }
    return values;
  }
  const std::string field = field_of(rule);
  const auto range = head.equal_range(beast_view(field));
  for (auto it = range.first; it != range.second; ++it) values.emplace_back(view(it->value()));
  return values;
}

void put(RequestHead& head, const HeldCredential& held) {
  const policy::Credential& rule = held.rule;
  const std::string secret(held.secret.view());
  if (rule.place == Place::kHeader) {
    head.erase(beast_view(rule.field));
    head.set(beast_view(rule.field), rule.scheme.empty() ? secret : rule.scheme + " " + secret);
    return;
  }
  if (rule.place == Place::kBasic) {
    head.set(http::field::authorization, "Basic " + base64(rule.field + ":" + secret));
    return;
  }
  const std::string target(view(head.target()));
  std::string query;
  for (const Parameter& parameter : parameters_of(target)) {
    if (parameter.key != rule.field) query += std::string(parameter.whole) + "&";
  }
  query += rule.field + "=" + percent_encoded(secret);
  head.target(target.substr(0, target.find('?')) + "?" + query);
}

// The first thing of a request that shows the placeholder; "" if nothing does.
std::string where_shown(const RequestHead& head, const std::string& placeholder) {
  if (placeholder.empty()) return {};
  for (const auto& field : head) {
    if (shows(view(field.value()), placeholder)) return std::string(view(field.name_string()));
  }
  return shows(percent_decoded(view(head.target())), placeholder) ? "the URL" : "";
}

// A key in another customary place than those of the credentials of this host.
std::string foreign_key(const RequestHead& head, const std::vector<const HeldCredential*>& here) {
  const auto is_ours = [&](bool query, std::string_view name) {
    return std::ranges::any_of(here, [&](const HeldCredential* held) {
      const bool in_query = held->rule.place == Place::kQuery;
      return query == in_query && equal_ignoring_case(field_of(held->rule), name);
    });
  };
  for (const std::string_view name : kKeyFields) {
    if (head.count(beast_view(name)) > 0 && !is_ours(false, name)) return std::string(name);
  }
  for (const Parameter& parameter : parameters_of(view(head.target()))) {
    for (const std::string_view name : kKeyParameters) {
      if (equal_ignoring_case(parameter.key, name) && !is_ours(true, name)) {
        return "the query's " + std::string(name);
      }
    }
  }
  return {};
}

}  // namespace

Injected Credentials::inject(RequestHead& head, const RequestView& request) const {
  Injected result;
  std::vector<const HeldCredential*> here;  // those whose hosts or gateway it goes to
  const HeldCredential* strict = nullptr;
  for (const HeldCredential& held : held_) {
    if (!request.confidential || !speaks_of(held.rule.scope, request)) continue;
    here.push_back(&held);
    if (held.rule.only) strict = &held;
  }
  std::vector<const HeldCredential*> chosen;
  for (const HeldCredential* held : here) {
    const Carried carried = carried_in(values_in_place(head, held->rule), *held);
    if (carried == Carried::kOwn && held->rule.only) {
      result.refusal = "it carries a key of its own in " + described(held->rule) +
                       ", and the policy lets only the credential '" + held->rule.name +
                       "' pass there; send nothing or the placeholder";
      return result;
    }
    if (carried == Carried::kOwn || !covers(held->rule.scope, request)) continue;
    chosen.push_back(held);
  }
  if (strict != nullptr) {
    const std::string foreign = foreign_key(head, here);
    if (!foreign.empty()) {
      result.refusal = "it carries a key of its own in " + foreign +
                       ", and the policy lets only the credential '" + strict->rule.name +
                       "' pass there; leave it out";
      return result;
    }
  }
  for (const HeldCredential* held : chosen) {
    put(head, *held);
    result.names += (result.names.empty() ? "" : ", ") + held->rule.name;
    result.secrets.push_back(held);
  }
  // Whatever placeholder is still there is on its way to somebody who shall not have it.
  for (const HeldCredential& held : held_) {
    const std::string where = where_shown(head, held.placeholder);
    if (where.empty()) continue;
    result.refusal = "it carries the placeholder of the credential '" + held.rule.name + "' in " +
                     printable(where) + ", where the policy does not put that credential";
    return result;
  }
  return result;
}

void conceal(http::fields& fields, const std::vector<const HeldCredential*>& secrets) {
  for (const HeldCredential* held : secrets) {
    const std::string_view secret = held->secret.view();
    const std::string basic = base64(held->rule.field + ":" + std::string(secret));
    const std::string encoded = percent_encoded(secret);
    for (auto it = fields.begin(); it != fields.end();) {
      const std::string_view value = view(it->value());
      const std::string_view name = view(it->name_string());
      const bool shown = shows(value, secret) || value.find(basic) != std::string_view::npos ||
                         value.find(encoded) != std::string_view::npos ||
                         name.find(secret) != std::string_view::npos;
      it = shown ? fields.erase(it) : std::next(it);
    }
  }
}

Result<std::string> make_placeholder() {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return sys::failed("getrandom", "a placeholder");
  }
  std::string text = "carrel-placeholder-";
  for (const unsigned char byte : random) append_hex(text, byte);
  return text;
}

}  // namespace carrel::egress
