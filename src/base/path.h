// Path text, without asking the file system. Paths are bytes; '/' separates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace carrel {

// Joins `path` to the absolute `base` (an absolute `path` stands alone) and
// removes ".", "..", repeated and trailing slashes. Purely lexical: the result
// names the same file only where no component on the way is a symbolic link.
// An empty `path` means `base`. ".." above the root stays at the root.
[[nodiscard]] std::string normalize_path(std::string_view base, std::string_view path);

// True if `path` is `dir` or lies below it. Both absolute and normalized.
[[nodiscard]] bool is_within(std::string_view path, std::string_view dir);

// "/a/b" -> {"a", "b"}; "/" -> {}.
[[nodiscard]] std::vector<std::string_view> path_components(std::string_view path);

// "/a/b" -> "/a", "/a" -> "/", "/" -> "/". `path` is absolute and normalized.
[[nodiscard]] std::string_view parent_path(std::string_view path);

// `text` as one shell word for people to copy: quoted only where it must be;
// control and other unprintable bytes come out as \xNN, so that a hostile name
// cannot steer a terminal.
[[nodiscard]] std::string shell_quoted(std::string_view text);

// `text` for a message: printable UTF-8 as it is, everything else as \xNN.
// Control characters, bidirectional overrides and invalid bytes never pass.
[[nodiscard]] std::string printable(std::string_view text);

// The same between apostrophes.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace carrel
