#include "egress/audit.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace carrel::egress {
namespace {

using std::chrono::milliseconds;

AuditEvent event() {
  AuditEvent made;
  made.protocol = "http";
  made.host = "a.test";
  made.port = 443;
  return made;
}

std::string line_of(const AuditEvent& made) {
  return audit_line("s1", made,
                    std::chrono::system_clock::time_point(milliseconds(1'772'366'400'123)),
                    made.began + milliseconds(42));
}

TEST(Audit, WritesOneObjectALine) {
  AuditEvent made = event();
  made.verdict = Verdict::kAllowed;
  made.rule = "*.test";
  made.address = "192.0.2.1";
  made.method = "GET";
  made.path = "/x";
  made.status = 200;
  made.bytes_out = 10;
  made.bytes_in = 20;
  EXPECT_EQ(line_of(made),
            "{\"time\":\"2026-03-01T12:00:00.123Z\",\"sandbox\":\"s1\",\"protocol\":\"http\","
            "\"host\":\"a.test\",\"port\":443,\"verdict\":\"allowed\",\"rule\":\"*.test\","
            "\"address\":\"192.0.2.1\",\"method\":\"GET\",\"path\":\"/x\",\"status\":200,"
            "\"bytes_out\":10,\"bytes_in\":20,\"duration_ms\":42}");
}

TEST(Audit, LetsNothingReachATerminalThatCouldSteerIt) {
  for (const char* nasty : {"\x1b[31m", "a\nb", "\r", "\x7f", "\xe2\x80\xae", "\xc2\x9b",
                            "\xff\xfe", "\xe2\x81\xa6", "\xf3\xa0\x81\x81"}) {
    AuditEvent made = event();
    made.host = made.path = made.method = made.reason = made.failure = nasty;
    const std::string line = line_of(made);
    for (const char c : line) {
      EXPECT_TRUE(c >= 0x20 && c < 0x7F) << line;
    }
    EXPECT_NO_THROW(static_cast<void>(boost::json::parse(line))) << line;
  }
}

TEST(Audit, KeepsLinesShort) {
  for (const char* part : {"x", "\x1b", "\xf0\x9f\x98\x80", "\"", "\\"}) {
    AuditEvent made = event();
    for (int i = 0; i < 5000; ++i) made.host += part;
    made.path = made.method = made.reason = made.failure = made.rule = made.address = made.host;
    const std::string line = line_of(made);
    EXPECT_LE(line.size(), 16'384u);
    EXPECT_NO_THROW(static_cast<void>(boost::json::parse(line)));
  }
}

}  // namespace
}  // namespace carrel::egress
