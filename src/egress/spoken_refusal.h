// Saying no in the protocol of a client that asked for no proxy. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "egress/outbound.h"

namespace carrel::egress {

// Where the server speaks first: SSH, FTP and SMTP have words for it.
[[nodiscard]] std::optional<std::string> refusal_before_client(const Destination& destination,
                                                               const Unreached& unreached);

// `first` is what has come from the client so far.
struct SpokenRefusal {
  enum class Kind : std::uint8_t {
    kWords,  // `words` are the last ones
    kReply,  // `words` are said, and then the client goes on (PostgreSQL)
    kNone,   // nothing is known that would be understood
  };
  Kind kind = Kind::kNone;
  std::string words;
};
[[nodiscard]] SpokenRefusal refusal_for_client(std::string_view first,
                                               const Destination& destination,
                                               const Unreached& unreached);

// A fatal alert, in clear text as before the first key (RFC 8446 6, RFC 6066 3).
enum class TlsAlert : std::uint8_t { kAccessDenied = 49, kUnrecognizedName = 112 };
[[nodiscard]] std::string tls_alert(TlsAlert alert);

}  // namespace carrel::egress
