// The path of a request as rules see it. A server may read a path in more ways
// than one ("/a/%2e%2e/b", "/a//b", "/a%2fb"), and what is judged must be what
// is served: such a path is refused. Pure. Sources: RFC 3986 3.3, 6.2.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace carrel::egress {

// Of a target in origin-form: its path without the query, percent-decoded once.
// kInvalid, with words for the client, for dot segments, empty segments (but for
// one '/' at the end), encoded or plain separators and controls, '%' twice
// encoded, a path parameter behind dots, and what is no UTF-8.
[[nodiscard]] Result<std::string> judged_path(std::string_view target);

// The octet that "%xx" at `at` stands for, if that is what is there.
[[nodiscard]] std::optional<char> percent_octet(std::string_view text, std::size_t at);

}  // namespace carrel::egress
