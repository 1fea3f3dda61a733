#include "egress/audit.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

#include "base/path.h"

namespace carrel::egress {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// Of any one text: a line stays below PIPE_BUF, so that lines never mix.
constexpr std::size_t kMaxText = 512;

std::string harmless(std::string_view text) {
  std::string safe = printable(text.substr(0, std::min(text.size(), kMaxText)));
  if (safe.size() > kMaxText) safe.resize(kMaxText);
  // The cut may have gone through a character.
  return safe.size() < text.size() ? printable(safe) + "..." : safe;
}

std::string utc(std::chrono::system_clock::time_point now) {
  const auto since = duration_cast<milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = since / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(since % 1000));
  return text;
}

void put_text(boost::json::object& line, const char* key, const std::string& text) {
  if (!text.empty()) line[key] = harmless(text);
}

}  // namespace

void AuditEvent::take(const Decision& decision) {
  verdict = decision.verdict;
  rule = decision.rule;
  reason = decision.reason;
}

void AuditEvent::name(const Destination& destination) {
  host = host_text(destination.host);
  port = destination.port;
}

std::string audit_line(std::string_view sandbox, const AuditEvent& event,
                       std::chrono::system_clock::time_point now,
                       std::chrono::steady_clock::time_point ended) {
  boost::json::object line;
  line["time"] = utc(now);
  line["sandbox"] = harmless(sandbox);
  line["protocol"] = event.protocol;
  line["host"] = harmless(event.host);
  line["port"] = event.port;
  line["verdict"] = event.verdict == Verdict::kAllowed ? "allowed" : "denied";
  put_text(line, "rule", event.rule);
  put_text(line, "reason", event.reason);
  put_text(line, "address", event.address);
  put_text(line, "method", event.method);
  put_text(line, "path", event.path);
  put_text(line, "gateway", event.gateway);
  put_text(line, "credential", event.credentials);
  if (event.status != 0) line["status"] = event.status;
  put_text(line, "failure", event.failure);
  line["bytes_out"] = event.bytes_out;
  line["bytes_in"] = event.bytes_in;
  line["duration_ms"] = duration_cast<milliseconds>(ended - event.began).count();
  return boost::json::serialize(line);
}

void AuditLog::write(const AuditEvent& event) {
  if (!sink_.valid()) return;
  std::string line = audit_line(sandbox_, event, std::chrono::system_clock::now(),
                                std::chrono::steady_clock::now());
  if (lost_ > 0) line.insert(line.size() - 1, ",\"lines_lost\":" + std::to_string(lost_));
  lost_ = sink_.append(std::move(line)) ? 0 : lost_ + 1;
}

}  // namespace carrel::egress
