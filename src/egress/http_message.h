// What an HTTP/1 request asks of a proxy and how it goes on, and the same for
// the response. Pure. Sources: RFC 9110, RFC 9112.
#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "egress/decision.h"
#include "egress/destination.h"
#include "egress/http_head.h"

namespace carrel::egress {

namespace http = boost::beast::http;

struct HttpFault {
  unsigned status = 400;
  std::string text;  // for the client
};

struct Body {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;
};

struct HeldCredential;

using RequestParser = http::request_parser<http::buffer_body>;
using ResponseParser = http::response_parser<http::buffer_body>;
using RequestHead = http::request<http::empty_body>;
using ResponseHead = http::response<http::empty_body>;

struct RequestPlan {
  Destination destination{policy::IpAddress{}, 0};
  bool is_connect = false;
  bool is_head = false;
  bool keep_alive = false;  // the client can, and wants to
  bool http_1_0 = false;
  bool expects_continue = false;
  bool websocket = false;  // asks to change to it
  Body body;
  std::string method;
  std::string path;  // without the query
  // Of gateways and inspected hosts:
  std::optional<policy::Gateway> gateway;
  bool end_is_leave = false;                     // who ends the stream waits for nothing
  std::optional<std::uint64_t> max_body;         // of the request
  std::vector<const HeldCredential*> concealed;  // that the response may not show
  RequestHead forward;  // for the origin: origin-form, Host of the URL, nothing hop-by-hop
};

// Reads the head that `scan` found at the start of `bytes` (at most `limit`
// bytes long). A fault: 400 or 431 of a request, 502 of a response.
template <bool IsRequest>
[[nodiscard]] std::optional<HttpFault> parse_head(
    http::parser<IsRequest, http::buffer_body>& parser, std::string_view bytes,
    const HeadScan& scan, std::size_t limit);

// Where a client speaks to an origin, as it believes, and not to a proxy.
struct Origin {
  Destination destination;
  std::uint16_t usual_port = 443;  // of the scheme: what `Host` may leave out
};

// kMalformed heads were refused before (http_head.h). Refused here: two Hosts,
// Content-Length beside Transfer-Encoding, several or odd ones of either, a
// version that is not 1.0 or 1.1, targets in any form but absolute http and
// CONNECT's authority, a user name in a URL. For an `origin`, targets are in
// origin-form, or absolute and the origin's; a Host that is not the origin's is a 421.
[[nodiscard]] std::variant<RequestPlan, HttpFault> plan_request(
    const http::request_header<>& head, const std::optional<Origin>& origin = std::nullopt);

// The same request for an upstream proxy: absolute-form, and with its credentials.
[[nodiscard]] RequestHead for_upstream_proxy(RequestHead request, const Destination& destination,
                                             const std::string& authorization);

// The value of Host: without the port, where it is the scheme's own.
[[nodiscard]] std::string host_field(const Destination& destination, std::uint16_t usual_port);

struct ResponsePlan {
  unsigned status = 0;
  bool interim = false;   // 1xx but 101: another response follows
  bool switches = false;  // 101, as was asked for
  Body body;
  bool upstream_keeps_alive = false;
  bool client_keeps_alive = false;
  ResponseHead forward;
};

// A fault here is the upstream's: 502.
[[nodiscard]] std::variant<ResponsePlan, HttpFault> plan_response(
    const http::response_header<>& head, const RequestPlan& request);

template <bool IsRequest>
[[nodiscard]] std::string head_text(const http::message<IsRequest, http::empty_body>& message);

// A whole response of the proxy's own: 403 with X-Proxy-Error for a refusal.
struct OwnResponse {
  unsigned status = 502;
  std::string error;  // value of X-Proxy-Error
  std::string text;   // the body
};
[[nodiscard]] std::string own_response_text(const OwnResponse& response, bool is_head,
                                            bool keep_alive);

// Trailers that may follow a chunked body: nothing that frames, routes or authenticates.
[[nodiscard]] http::fields allowed_trailers(const http::fields& trailers);

}  // namespace carrel::egress
