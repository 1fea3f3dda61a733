#include "egress/spoken_refusal.h"

#include <algorithm>

#include "base/path.h"
#include "egress/client_hello.h"
#include "egress/http_proxy.h"
#include "egress/ssh_refusal.h"

namespace carrel::egress {
namespace {

std::string reason(const Destination& destination, const Unreached& unreached) {
  if (unreached.kind != Unreached::Kind::kDenied) return printable(unreached.failure);
  return printable(refusal_text(destination.text(), unreached.decision));
}

// "GET / HTTP/1.1": a method's letters, and a blank behind them or the end of what came.
bool is_http(std::string_view first) {
  constexpr std::size_t kLongestMethod = 16;
  const std::size_t end = first.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
  return end != std::string_view::npos && end >= 3 && end <= kLongestMethod && first[end] == ' ';
}

void put_number(std::string& out, std::size_t value) {
  for (const unsigned shift : {24u, 16u, 8u, 0u}) out += static_cast<char>(value >> shift & 0xFF);
}

// PostgreSQL's messages before the first answer: a length, and a code or version.
// Source: PostgreSQL 16 documentation, 55.7 (SSLRequest, GSSENCRequest, StartupMessage).
std::uint32_t postgres_code(std::string_view first) {
  if (first.size() < 8 || first[0] != '\0' || first[1] != '\0') return 0;
  std::uint32_t code = 0;
  for (std::size_t i = 4; i < 8; ++i) code = code << 8 | static_cast<unsigned char>(first[i]);
  return code;
}
constexpr std::uint32_t kPostgresVersion3 = 3 << 16;
constexpr std::uint32_t kPostgresTls = 80877103;
constexpr std::uint32_t kPostgresGss = 80877104;

std::string postgres_error(const std::string& words) {
  std::string fields;
  const std::pair<char, std::string> all[] = {
      {'S', "FATAL"}, {'V', "FATAL"}, {'C', "28000"}, {'M', words}};
  for (const auto& [kind, text] : all) fields += kind + text + '\0';
  fields += '\0';
  std::string message = "E";
  put_number(message, 4 + fields.size());
  return message + fields;
}

}  // namespace

std::string tls_alert(TlsAlert alert) {
  std::string record = {21, 3, 3, 0, 2, 2};  // alert, TLS 1.2 as every version has it, fatal
  return record + static_cast<char>(alert);
}

std::optional<std::string> refusal_before_client(const Destination& destination,
                                                 const Unreached& unreached) {
  switch (destination.port) {
    case kSshPort:
      return ssh_refusal(reason(destination, unreached));
    case 21:  // FTP
      return "421 " + reason(destination, unreached) + "\r\n";
    case 25:  // SMTP, and its submission
    case 587:
      return "554 " + reason(destination, unreached) + "\r\n";
    default:
      return std::nullopt;
  }
}

SpokenRefusal refusal_for_client(std::string_view first, const Destination& destination,
                                 const Unreached& unreached) {
  using Kind = SpokenRefusal::Kind;
  if (first.empty()) return {};
  const ClientHello::Kind hello = read_client_hello(first).kind;
  if (hello != ClientHello::Kind::kNotTls)
    return {Kind::kWords, tls_alert(TlsAlert::kAccessDenied)};
  if (is_http(first)) {
    const bool is_head = first.starts_with("HEAD ");
    return {Kind::kWords, own_response_text(response_for(destination, unreached), is_head, false)};
  }
  switch (postgres_code(first)) {
    case kPostgresTls:
    case kPostgresGss:
      return {Kind::kReply, "N"};
    case kPostgresVersion3:
      return {Kind::kWords, postgres_error(reason(destination, unreached))};
    default:
      return {};
  }
}

}  // namespace carrel::egress
