// SOCKS can say no, but not why. An SSH client shows a person the text of a
// disconnect message, and that may come first of all (RFC 4253 4.2, 6, 11.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace carrel::egress {

inline constexpr std::uint16_t kSshPort = 22;

// All that a server says which disconnects at once, for `reason`.
[[nodiscard]] std::string ssh_refusal(std::string_view reason);

}  // namespace carrel::egress
