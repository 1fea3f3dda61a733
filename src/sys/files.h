// Files and folders by descriptor. Names and flags are those of the man pages;
// CLOEXEC is always added.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace carrel::sys {

// openat(2).
[[nodiscard]] Result<UniqueFd> open(const std::string& path, int flags, unsigned mode = 0);

// openat2(2) from the root, following no symbolic link at any component (ELOOP if there is one).
[[nodiscard]] Result<UniqueFd> open_no_symlinks(const std::string& path, int flags);

// What stands at `path`, not following a last symbolic link; nullopt if nothing does.
[[nodiscard]] Result<std::optional<struct stat>> lstat_if_exists(const std::string& path);

// realpath(3): absolute, without symbolic links. Fails with ENOENT.
[[nodiscard]] Result<std::string> real_path(const std::string& path);

// readlink(2), whole.
[[nodiscard]] Result<std::string> read_link(const std::string& path);

// The whole file; kInvalid if it is longer than `limit` bytes. Works on /proc files.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 16 << 20);
[[nodiscard]] Result<std::string> read_all(const UniqueFd& fd, std::size_t limit = 16 << 20);

[[nodiscard]] Status write_all(const UniqueFd& fd, std::string_view bytes);

// Opens an existing file (a cgroup or /proc file), writes `bytes` in one call.
[[nodiscard]] Status write_existing(const std::string& path, std::string_view bytes);

struct DirEntry {
  std::string name;
  unsigned char type;  // DT_*, DT_UNKNOWN where the file system does not say
};
// The entries of an open folder, without "." and "..", in no order.
[[nodiscard]] Result<std::vector<DirEntry>> list(const UniqueFd& dir);

// memfd_create(2), executable if `executable`, with sealing allowed.
enum class Memfd : std::uint8_t { kData, kExecutable };
[[nodiscard]] Result<UniqueFd> memfd_create(const std::string& name, Memfd kind);
// Seals against every change (F_SEAL_WRITE, GROW, SHRINK, SEAL).
[[nodiscard]] Status seal(const UniqueFd& memfd);

}  // namespace carrel::sys
