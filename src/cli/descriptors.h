// The descriptors that a run starts with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace carrel::cli {

// Opens /dev/null in place of a closed 0, 1 or 2, so that no descriptor of
// Carrel's own can take such a number and reach the command with it. True if one was.
[[nodiscard]] Result<bool> fill_standard_descriptors();

// "5" -> 5; kInvalid for what is no number above 2. `option` is named in the message.
[[nodiscard]] Result<int> parse_descriptor(std::string_view option, std::string_view text);

// The values of --keep-fd, sorted. kDenied for one that leads out of the sandbox.
[[nodiscard]] Result<std::vector<int>> kept_descriptors(const std::vector<std::string>& values);

// kDenied if 0, 1 or 2 is a folder or was opened with O_PATH: the command could
// walk from there to files that the policy hides.
[[nodiscard]] Status check_standard_descriptors();

// kInvalid unless `fd` is an open Unix socket.
[[nodiscard]] Status check_proxy_descriptor(int fd);

// Opens the file of --record, empty, without following a link that an earlier
// command may have left in its place. Not CLOEXEC: it goes from carrel through
// the launcher to carrel again, and the launcher closes it for the command.
[[nodiscard]] Result<UniqueFd> open_record(const std::string& path);

// Opens the file of --log to append to it, likewise. Only its owner may read a new one.
[[nodiscard]] Result<UniqueFd> open_log(const std::string& path);

}  // namespace carrel::cli
