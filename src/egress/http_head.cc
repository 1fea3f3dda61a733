#include "egress/http_head.h"

#include <algorithm>

namespace carrel::egress {
namespace {

using State = HeadScan::State;

constexpr std::string_view kLineEnd = "\r\n";

bool is_token(char c) {
  const bool alphanumeric =
      (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

// "" if the line, without its end, is well made.
std::string_view fault_of_line(std::string_view line, bool first) {
  if (std::any_of(line.begin(), line.end(), is_control)) return "a control character";
  if (first) return line.find('\t') == std::string_view::npos ? "" : "a tab in its first line";
  if (line.front() == ' ' || line.front() == '\t') return "a folded line";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return "a line without a name and a colon";
  const std::string_view name = line.substr(0, colon);
  if (!std::all_of(name.begin(), name.end(), is_token)) return "a name with a character of no name";
  return "";
}

}  // namespace

HeadScan scan_head(std::string_view bytes, std::size_t limit) {
  std::size_t at = bytes.starts_with(kLineEnd) ? kLineEnd.size() : 0;
  const std::size_t start = at;
  while (at < bytes.size()) {
    const std::size_t end = bytes.find('\n', at);
    const std::string_view rest = bytes.substr(at, std::min(end, bytes.size()) - at);
    if (end == std::string_view::npos) {
      const std::size_t cr = rest.find('\r');
      if (cr != std::string_view::npos && cr + 1 != rest.size()) {
        return {State::kMalformed, 0, "a bare carriage return"};
      }
      break;
    }
    if (!rest.ends_with('\r')) return {State::kMalformed, 0, "a bare line feed"};
    const std::string_view line = rest.substr(0, rest.size() - 1);
    if (end >= limit) break;
    if (line.empty()) {
      if (at == start) return {State::kMalformed, 0, "no first line"};
      return {State::kComplete, end + 1, {}};
    }
    if (const std::string_view fault = fault_of_line(line, at == start); !fault.empty()) {
      return {State::kMalformed, 0, fault};
    }
    at = end + 1;
  }
  return {bytes.size() >= limit ? State::kTooLarge : State::kIncomplete, 0, {}};
}

}  // namespace carrel::egress
