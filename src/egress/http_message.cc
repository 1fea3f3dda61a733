#include "egress/http_message.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "base/ascii.h"
#include "base/path.h"
#include "egress/gateway.h"

namespace carrel::egress {
namespace {

namespace beast = boost::beast;
using Field = http::field;

HttpFault bad_request(std::string text) { return {400, std::move(text)}; }

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool is_hop_by_hop(Field name) {
  constexpr std::array kNames = {Field::connection,          Field::proxy_connection,
                                 Field::keep_alive,          Field::proxy_authenticate,
                                 Field::proxy_authorization, Field::te,
                                 Field::transfer_encoding,   Field::upgrade,
                                 Field::http2_settings,      Field::proxy_authentication_info};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// Named by Connection, which must not take away what the message stands on.
bool is_listed(const http::fields& fields, beast::string_view name) {
  const auto range = fields.equal_range(Field::connection);
  return std::any_of(range.first, range.second, [&](const auto& field) {
    return http::token_list{field.value()}.exists(name);
  });
}

void copy_end_to_end(const http::fields& from, http::fields& to) {
  for (const auto& field : from) {
    if (is_hop_by_hop(field.name())) continue;
    const bool framing = field.name() == Field::content_length || field.name() == Field::host;
    if (!framing && is_listed(from, field.name_string())) continue;
    to.insert(field.name(), field.name_string(), field.value());
  }
}

// The length of the body, or what is wrong with its framing.
std::variant<Body, std::string> body_of(const http::fields& fields, unsigned version) {
  const auto lengths = fields.count(Field::content_length);
  const auto codings = fields.count(Field::transfer_encoding);
  if (lengths + codings > 1) {
    return std::string("the length of the body is given more than once");
  }
  if (codings == 1) {
    if (version < 11) return std::string("Transfer-Encoding does not exist in HTTP/1.0");
    if (!equal_ignoring_case(view(fields[Field::transfer_encoding]), "chunked")) {
      return std::string("the only known Transfer-Encoding is chunked");
    }
    return Body{Body::Kind::kChunked, 0};
  }
  if (lengths == 0) return Body{};
  const std::string_view text = view(fields[Field::content_length]);
  std::uint64_t length = 0;
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (failure != std::errc{} || stop != text.data() + text.size()) {
    return std::string("Content-Length is not a number");
  }
  return Body{length > 0 ? Body::Kind::kLength : Body::Kind::kNone, length};
}

bool wants_keep_alive(const http::fields& fields, unsigned version) {
  const auto has = [&](const char* token) {
    const auto range = fields.equal_range(Field::connection);
    const auto proxy = fields.equal_range(Field::proxy_connection);
    const auto lists = [&](const auto& field) {
      return http::token_list{field.value()}.exists(token);
    };
    return std::any_of(range.first, range.second, lists) ||
           std::any_of(proxy.first, proxy.second, lists);
  };
  if (has("close")) return false;
  return version >= 11 || has("keep-alive");
}

struct Target {
  Destination destination;
  std::string origin_form;
};

std::variant<Target, HttpFault> parse_absolute(std::string_view target) {
  std::string_view rest = target;
  constexpr std::array<std::string_view, 2> kSchemes = {"http://", "ws://"};
  const auto* const scheme =
      std::find_if(kSchemes.begin(), kSchemes.end(),
                   [&](std::string_view known) { return starts_ignoring_case(rest, known); });
  if (scheme == kSchemes.end()) {
    return bad_request(
        "this is a proxy: it takes http://host/path, and CONNECT host:port for everything else");
  }
  rest.remove_prefix(scheme->size());
  if (target.find_first_of("\\#") != std::string_view::npos) {
    return bad_request("the URL holds a backslash or a fragment");
  }
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return bad_request("the URL holds a user name, which no request carries");
  }
  Result<Destination> destination = parse_authority(authority, 80);
  if (!destination.ok()) return bad_request(destination.error().message);
  std::string origin_form(rest.substr(end));
  if (!origin_form.starts_with('/')) origin_form.insert(0, "/");
  return Target{std::move(destination).value(), std::move(origin_form)};
}

std::optional<HttpFault> check_host_field(const http::request_header<>& head, bool is_connect) {
  const auto count = head.count(Field::host);
  if (count > 1) return bad_request("there are several Host fields");
  if (count == 0) {
    if (head.version() < 11 || is_connect) return std::nullopt;
    return bad_request("there is no Host field");
  }
  const std::string_view host = view(head[Field::host]);
  if (host.empty()) return std::nullopt;
  const Result<Destination> parsed = parse_authority(host, 80);
  if (parsed.ok()) return std::nullopt;
  return bad_request("Host: " + parsed.error().message);
}

// RFC 9110 7.4: a request for another host than the connection's is misdirected.
HttpFault misdirected(const std::string& asked, const Origin& origin) {
  return {421, "the request is for " + printable(asked) + ", on a connection that was made to " +
                   origin.destination.text()};
}

std::optional<HttpFault> plan_origin_target(const http::request_header<>& head,
                                            const Origin& origin, RequestPlan& plan) {
  if (plan.is_connect) return bad_request("CONNECT is for a proxy, which nobody speaks to here");
  plan.destination = origin.destination;
  const std::string_view host = view(head[Field::host]);
  const Result<Destination> named = parse_authority(host, origin.usual_port);
  if (head.count(Field::host) > 0 && (!named.ok() || named.value() != origin.destination)) {
    return misdirected(std::string(host), origin);
  }
  std::string_view target = view(head.target());
  const std::string scheme = origin.usual_port == 443 ? "https://" : "http://";
  if (starts_ignoring_case(target, scheme)) {
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    const Result<Destination> asked = parse_authority(target.substr(0, end), origin.usual_port);
    if (!asked.ok() || asked.value() != origin.destination) {
      return misdirected(std::string(target.substr(0, end)), origin);
    }
    target.remove_prefix(end);
  }
  std::string origin_form(target);
  const bool whole_server = origin_form == "*" && head.method() == http::verb::options;
  if (!origin_form.starts_with('/') && !whole_server) {
    if (!origin_form.empty() && origin_form.front() != '?') {
      return bad_request("the target of the request is no path");
    }
    origin_form.insert(0, "/");
  }
  plan.path = origin_form.substr(0, origin_form.find('?'));
  plan.forward.target(origin_form);
  return std::nullopt;
}

std::optional<HttpFault> plan_target(const http::request_header<>& head, RequestPlan& plan) {
  const std::string_view target = view(head.target());
  if (plan.is_connect) {
    Result<Destination> destination = parse_authority(target);
    if (!destination.ok()) return bad_request(destination.error().message);
    if (plan.body.kind != Body::Kind::kNone) return bad_request("CONNECT has no body");
    plan.destination = std::move(destination).value();
    return std::nullopt;
  }
  auto parsed = parse_absolute(target);
  if (auto* fault = std::get_if<HttpFault>(&parsed)) return std::move(*fault);
  auto& absolute = std::get<Target>(parsed);
  plan.destination = std::move(absolute.destination);
  plan.path = absolute.origin_form.substr(0, absolute.origin_form.find('?'));
  plan.forward.target(absolute.origin_form);
  return std::nullopt;
}

void put_framing(http::fields& fields, const Body& body) {
  if (body.kind == Body::Kind::kChunked) fields.set(Field::transfer_encoding, "chunked");
}

}  // namespace

template <bool IsRequest>
std::optional<HttpFault> parse_head(http::parser<IsRequest, http::buffer_body>& parser,
                                    std::string_view bytes, const HeadScan& scan,
                                    std::size_t limit) {
  const std::string what =
      IsRequest ? "the head of the request " : "the head of the server's answer ";
  constexpr unsigned kBad = IsRequest ? 400 : 502;
  if (scan.state == HeadScan::State::kTooLarge) {
    return HttpFault{IsRequest ? 431u : 502u,
                     what + "is longer than " + std::to_string(limit >> 10) + " KiB"};
  }
  if (scan.state == HeadScan::State::kMalformed) {
    return HttpFault{kBad, what + "has " + std::string(scan.fault)};
  }
  parser.header_limit(static_cast<std::uint32_t>(limit));
  parser.body_limit(boost::none);
  std::string_view head = bytes.substr(0, scan.size);
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  beast::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::need_buffer) error.clear();
  if (!error && parser.is_header_done()) return std::nullopt;
  return HttpFault{kBad, what + "cannot be read: " + error.message()};
}
template std::optional<HttpFault> parse_head<true>(http::parser<true, http::buffer_body>&,
                                                   std::string_view, const HeadScan&, std::size_t);
template std::optional<HttpFault> parse_head<false>(http::parser<false, http::buffer_body>&,
                                                    std::string_view, const HeadScan&, std::size_t);

std::string host_field(const Destination& destination, std::uint16_t usual_port) {
  std::string text = destination.text();
  const std::string port = ":" + std::to_string(usual_port);
  if (destination.port == usual_port) text.resize(text.size() - port.size());
  return text;
}

std::variant<RequestPlan, HttpFault> plan_request(const http::request_header<>& head,
                                                  const std::optional<Origin>& origin) {
  if (head.version() != 10 && head.version() != 11) {
    return HttpFault{505, "this proxy speaks HTTP/1.1 and HTTP/1.0"};
  }
  RequestPlan plan;
  plan.method = std::string(view(head.method_string()));
  plan.is_connect = head.method() == http::verb::connect;
  plan.is_head = head.method() == http::verb::head;
  plan.http_1_0 = head.version() == 10;
  auto body = body_of(head, head.version());
  if (auto* fault = std::get_if<std::string>(&body)) return bad_request(std::move(*fault));
  plan.body = std::get<Body>(body);
  if (auto fault = check_host_field(head, plan.is_connect)) return std::move(*fault);
  plan.forward.version(11);
  plan.forward.method_string(head.method_string());
  if (auto fault = origin ? plan_origin_target(head, *origin, plan) : plan_target(head, plan)) {
    return std::move(*fault);
  }

  plan.keep_alive = wants_keep_alive(head, head.version());
  plan.expects_continue =
      equal_ignoring_case(view(head[Field::expect]), "100-continue") && !plan.http_1_0;
  plan.websocket = !plan.http_1_0 && is_listed(head, "upgrade") &&
                   equal_ignoring_case(view(head[Field::upgrade]), "websocket") &&
                   plan.body.kind == Body::Kind::kNone;
  plan.forward.set(Field::host, host_field(plan.destination, origin ? origin->usual_port : 80));
  http::fields rest;
  copy_end_to_end(head, rest);
  for (const auto& field : rest) {
    if (field.name() == Field::host) continue;
    plan.forward.insert(field.name(), field.name_string(), field.value());
  }
  put_framing(plan.forward, plan.body);
  if (plan.websocket) {
    plan.forward.set(Field::connection, "Upgrade");
    plan.forward.set(Field::upgrade, "websocket");
  }
  return plan;
}

RequestHead for_upstream_proxy(RequestHead request, const Destination& destination,
                               const std::string& authorization) {
  request.target("http://" + destination.authority() + std::string(view(request.target())));
  if (!authorization.empty()) request.set(Field::proxy_authorization, authorization);
  return request;
}

std::variant<ResponsePlan, HttpFault> plan_response(const http::response_header<>& head,
                                                    const RequestPlan& request) {
  ResponsePlan plan;
  plan.status = head.result_int();
  plan.switches = plan.status == 101;
  plan.interim = plan.status / 100 == 1 && !plan.switches;
  const auto fault = [](std::string text) {
    return HttpFault{502, "the server's answer cannot be passed on: " + std::move(text)};
  };
  if (head.version() != 10 && head.version() != 11) return fault("it is not HTTP/1");
  if (plan.switches && !request.websocket) return fault("it changes to a protocol unasked");
  auto body = body_of(head, head.version());
  if (auto* why = std::get_if<std::string>(&body)) return fault(std::move(*why));
  plan.body = std::get<Body>(body);
  const bool sized = head.count(Field::content_length) > 0;
  if (plan.body.kind == Body::Kind::kNone && !sized) plan.body.kind = Body::Kind::kUntilClose;
  const bool bodiless =
      request.is_head || plan.status / 100 == 1 || plan.status == 204 || plan.status == 304;
  const Body framed = plan.body;
  if (bodiless) plan.body = {};

  const bool delimited = plan.body.kind != Body::Kind::kUntilClose;
  const bool chunks_for_1_0 = plan.body.kind == Body::Kind::kChunked && request.http_1_0;
  plan.upstream_keeps_alive = delimited && wants_keep_alive(head, head.version());
  plan.client_keeps_alive = request.keep_alive && delimited && !chunks_for_1_0;
  plan.forward.version(11);
  plan.forward.result(plan.status);
  plan.forward.reason(head.reason());
  copy_end_to_end(head, plan.forward);
  if (framed.kind == Body::Kind::kChunked && !request.http_1_0) put_framing(plan.forward, framed);
  if (request.gateway && head.count(Field::location) > 0) {
    plan.forward.set(Field::location,
                     inside_location(*request.gateway, std::string(view(head[Field::location]))));
  }
  if (plan.switches) {
    plan.forward.set(Field::connection, "Upgrade");
    plan.forward.set(Field::upgrade, "websocket");
  } else if (!plan.interim && !plan.client_keeps_alive) {
    plan.forward.set(Field::connection, "close");
  } else if (!plan.interim && request.http_1_0) {
    plan.forward.set(Field::connection, "keep-alive");
  }
  return plan;
}

template <bool IsRequest>
std::string head_text(const http::message<IsRequest, http::empty_body>& message) {
  http::serializer<IsRequest, http::empty_body> serializer(message);
  serializer.split(true);
  std::string text;
  beast::error_code error;
  while (!serializer.is_header_done() && !error) {
    serializer.next(error, [&](beast::error_code&, const auto& buffers) {
      const std::size_t before = text.size();
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer part = *it;
        text.append(static_cast<const char*>(part.data()), part.size());
      }
      serializer.consume(text.size() - before);
    });
  }
  return text;
}
template std::string head_text<true>(const http::message<true, http::empty_body>&);
template std::string head_text<false>(const http::message<false, http::empty_body>&);

std::string own_response_text(const OwnResponse& response, bool is_head, bool keep_alive) {
  ResponseHead head(http::int_to_status(response.status), 11);
  const std::string body = "carrel: " + printable(response.text) + "\n";
  head.set(Field::content_type, "text/plain; charset=utf-8");
  head.set("X-Proxy-Error", response.error);
  head.set(Field::cache_control, "no-store");
  head.set(Field::content_length, std::to_string(body.size()));
  head.set(Field::connection, keep_alive ? "keep-alive" : "close");
  return head_text<false>(head) + (is_head ? "" : body);
}

http::fields allowed_trailers(const http::fields& trailers) {
  constexpr std::array kForbidden = {
      Field::content_length, Field::host,          Field::authorization, Field::trailer,
      Field::cookie,         Field::set_cookie,    Field::content_type,  Field::content_encoding,
      Field::content_range,  Field::cache_control, Field::location,      Field::expect};
  http::fields allowed;
  for (const auto& field : trailers) {
    if (is_hop_by_hop(field.name())) continue;
    if (std::find(kForbidden.begin(), kForbidden.end(), field.name()) != kForbidden.end()) continue;
    allowed.insert(field.name(), field.name_string(), field.value());
  }
  return allowed;
}

}  // namespace carrel::egress
