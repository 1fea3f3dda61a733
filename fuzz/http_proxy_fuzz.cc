// What a client of the HTTP listener and the servers behind it may send. What
// goes on is checked to be what every reader takes alike.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "egress/http_message.h"

namespace {

using namespace carrel::egress;  // NOLINT(google-build-using-namespace)
using Field = http::field;

void check(bool promise) {
  if (!promise) std::abort();
}

// Holds of every head that the proxy writes.
void check_written(const std::string& head, const http::fields& fields) {
  const HeadScan scan = scan_head(head, head.size() + 1);
  check(scan.state == HeadScan::State::kComplete && scan.size == head.size());
  check(fields.count(Field::content_length) + fields.count(Field::transfer_encoding) <= 1);
  check(fields.count(Field::proxy_authorization) == 0);
  check(fields.count(Field::keep_alive) == 0);
}

void check_request(std::string_view bytes) {
  const HeadScan scan = scan_head(bytes, kMaxRequestHead);
  if (scan.state == HeadScan::State::kIncomplete) return;
  RequestParser parser;
  if (parse_head<true>(parser, bytes, scan, kMaxRequestHead)) return;
  auto planned = plan_request(parser.get());
  auto* plan = std::get_if<RequestPlan>(&planned);
  if (plan == nullptr || plan->is_connect) return;
  const std::string head = head_text<true>(plan->forward);
  check_written(head, plan->forward);
  check(plan->forward.count(Field::host) == 1);
  RequestParser again;
  check(!parse_head<true>(again, head, scan_head(head, head.size() + 1), head.size() + 1));
  const auto host = parse_authority(
      std::string_view(again.get()[Field::host].data(), again.get()[Field::host].size()), 80);
  check(host.ok() && host.value() == plan->destination);
}

void check_response(std::string_view bytes, bool is_head, bool http_1_0) {
  const HeadScan scan = scan_head(bytes, kMaxResponseHead);
  if (scan.state == HeadScan::State::kIncomplete) return;
  ResponseParser parser;
  parser.skip(is_head);
  if (parse_head<false>(parser, bytes, scan, kMaxResponseHead)) return;
  RequestPlan request;
  request.is_head = is_head;
  request.http_1_0 = http_1_0;
  auto planned = plan_response(parser.get(), request);
  if (auto* plan = std::get_if<ResponsePlan>(&planned)) {
    check_written(head_text<false>(plan->forward), plan->forward);
  }
}

void check_chunks(std::string_view bytes) {
  RequestParser parser;
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  check(!parse_head<true>(parser, head, scan_head(head, kMaxRequestHead), kMaxRequestHead));
  parser.get().clear();
  parser.eager(true);
  char part[64];
  boost::system::error_code error;
  while (!bytes.empty() && !parser.is_done()) {
    parser.get().body().data = part;
    parser.get().body().size = sizeof part;
    const std::size_t taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    check(taken <= bytes.size());
    if (error == http::error::need_buffer) error.clear();
    if (error || (taken == 0 && parser.get().body().size == sizeof part)) return;
    bytes.remove_prefix(taken);
  }
  if (parser.is_done()) static_cast<void>(allowed_trailers(parser.get()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      check_chunks(bytes);
      break;
    case 1:
    case 2:
      check_response(bytes, data[0] % 6 == 1, (data[0] & 0x80) != 0);
      break;
    default:
      check_request(bytes);
  }
  return 0;
}
