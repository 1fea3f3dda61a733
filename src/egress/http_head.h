// Where the head of an HTTP/1 message ends, and whether it is one that every
// reader takes alike. Beast parses it afterwards; this refuses what parsers
// differ about, on the bytes as they came. Sources: RFC 9112 2.2, 5.1, 5.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace carrel::egress {

struct HeadScan {
  enum class State : std::uint8_t { kIncomplete, kComplete, kMalformed, kTooLarge };
  State state = State::kIncomplete;
  std::size_t size = 0;    // with the empty line, of kComplete
  std::string_view fault;  // of kMalformed: completes "the head has ..."
};

inline constexpr std::size_t kMaxRequestHead = 16 << 10;
inline constexpr std::size_t kMaxResponseHead = 64 << 10;

// `bytes` are all that have come of a message. Malformed: a bare CR or LF, any
// other control character, a folded line, a line without a name and a colon, a
// blank beside the name. One empty line in front is passed over.
[[nodiscard]] HeadScan scan_head(std::string_view bytes, std::size_t limit);

}  // namespace carrel::egress
