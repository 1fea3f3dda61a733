// What was decided and what came of it: one JSON object a line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "egress/decision.h"
#include "egress/log_chain.h"

namespace carrel::egress {

// One request or tunnel. Texts may hold any bytes; they are made harmless when
// they are written.
struct AuditEvent {
  std::string_view protocol;  // "http", "https" (inspected), "connect", "socks5", "socks4"
  std::string host;           // canonical, or as the client spelled it if it is no host
  std::uint16_t port = 0;
  std::string address;      // that was dialled; "" if none was, or behind an upstream proxy
  std::string method;       // of a plain HTTP request
  std::string path;         // likewise, without the query, which may hold secrets
  std::string gateway;      // by which it went
  std::string credentials;  // the names of those that were put in, never the values
  Verdict verdict = Verdict::kDenied;
  std::string rule;
  std::string reason;        // of a denial
  std::string failure;       // of what was allowed and did not work
  std::uint16_t status = 0;  // HTTP status that the client got, where there is one
  std::uint64_t bytes_out = 0;
  std::uint64_t bytes_in = 0;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

  void take(const Decision& decision);
  void name(const Destination& destination);
};

// {"time":"2026-03-01T12:00:00.123Z","sandbox":"s1","protocol":...}. Safe to print on a terminal.
[[nodiscard]] std::string audit_line(std::string_view sandbox, const AuditEvent& event,
                                     std::chrono::system_clock::time_point now,
                                     std::chrono::steady_clock::time_point ended);

class AuditLog {
 public:
  // `sink`: as LogFile takes it.
  AuditLog(UniqueFd sink, std::string sandbox)
      : sink_(std::move(sink)), sandbox_(std::move(sandbox)) {}

  // Lines that could not be written are counted, and the
  // count is said with the next line that can.
  void write(const AuditEvent& event);

 private:
  LogFile sink_;
  std::string sandbox_;
  std::uint64_t lost_ = 0;
};

}  // namespace carrel::egress
