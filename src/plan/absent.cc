#include "plan/absent.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "base/path.h"
#include "base/unique_fd.h"

namespace carrel::plan {
namespace {

constexpr std::size_t kWorthAListing = 6;   // fewer are asked for one by one
constexpr std::size_t kLongest = 16 << 10;  // bytes of a listing: some 400 names
constexpr std::uint32_t kXfsMagic = 0x58465342;

// File systems that list every name that can be opened: others make some up when
// they are asked for (automounts, ".snapshot" of a file server).
bool lists_all(int folder) {
  struct statfs info{};
  if (::fstatfs(folder, &info) == -1) return false;
  constexpr std::array<std::uint32_t, 6> kKnown = {EXT4_SUPER_MAGIC,      kXfsMagic,
                                                   BTRFS_SUPER_MAGIC,     TMPFS_MAGIC,
                                                   OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC};
  return std::ranges::find(kKnown, static_cast<std::uint32_t>(info.f_type)) != kKnown.end();
}

// The names in a folder by their hashes: says for sure only which are not there.
class Names {
 public:
  explicit Names(const std::string& folder) {
    const UniqueFd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
    if (!dir.valid()) {
      complete_ = errno == ENOENT || errno == ENOTDIR;
      return;
    }
    if (lists_all(dir.get())) complete_ = read(dir.get());
  }

  [[nodiscard]] bool may_hold(std::string_view name) const {
    return !complete_ || seen_[hash(name)];
  }

 private:
  static constexpr std::size_t kBits = 8192;

  bool read(int dir) {
    alignas(dirent64) std::array<char, kLongest> bytes;  // NOLINT: filled below
    const long size = ::syscall(SYS_getdents64, dir, bytes.data(), bytes.size());
    if (size < 0) return false;
    for (long at = 0; at < size;) {
      const auto* const entry = reinterpret_cast<const dirent64*>(bytes.data() + at);
      if (!add(entry->d_name)) return false;
      at += entry->d_reclen;
    }
    std::array<char, 512> more;  // NOLINT: only asked whether there is any
    return ::syscall(SYS_getdents64, dir, more.data(), more.size()) == 0;
  }

  // A folder may ignore letter case, of ASCII here; of all else the kernel knows more.
  bool add(std::string_view name) {
    if (std::ranges::any_of(name, [](char c) { return (c & 0x80) != 0; })) return false;
    seen_.set(hash(name));
    return true;
  }

  static std::size_t hash(std::string_view name) {
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (const char c : name) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      hash = (hash ^ static_cast<unsigned char>(lower)) * 16777619u;
    }
    return (hash ^ hash >> 15) % kBits;
  }

  std::bitset<kBits> seen_;
  bool complete_ = false;
};

class Search {
 public:
  explicit Search(const std::vector<std::string_view>& paths)
      : paths_(paths), found_(paths.size(), true) {}

  // Of the paths [first, last), all of them below the first `depth` bytes of each.
  void look(std::size_t first, std::size_t last, std::size_t depth) {
    if (last - first < kWorthAListing) return;
    depth = common_folder(first, last, depth);
    const Names names(depth == 0 ? "/" : std::string(paths_[first].substr(0, depth)));
    for (std::size_t i = first; i < last;) {
      const std::string_view name = component(i, depth);
      std::size_t end = i + 1;
      while (end < last && component(end, depth) == name) ++end;
      if (name.empty()) {
        // "/" itself
      } else if (!names.may_hold(name)) {
        std::fill(found_.begin() + static_cast<std::ptrdiff_t>(i),
                  found_.begin() + static_cast<std::ptrdiff_t>(end), false);
      } else if (end - i > 1) {
        // The folder itself may be one of them.
        const bool itself = paths_[i].size() == depth + 1 + name.size();
        look(itself ? i + 1 : i, end, depth + 1 + name.size());
      }
      i = end;
    }
  }

  [[nodiscard]] std::vector<bool> found() && { return std::move(found_); }

 private:
  // What follows the '/' at `depth`, up to the next.
  [[nodiscard]] std::string_view component(std::size_t i, std::size_t depth) const {
    const std::string_view rest = paths_[i].substr(depth + 1);
    return rest.substr(0, rest.find('/'));
  }

  // The deepest folder that all of them lie in.
  [[nodiscard]] std::size_t common_folder(std::size_t first, std::size_t last,
                                          std::size_t depth) const {
    const std::string_view a = paths_[first];
    const std::string_view b = paths_[last - 1];
    for (;;) {
      const std::size_t next = a.find('/', depth + 1);
      if (next == std::string_view::npos || b.substr(0, next + 1) != a.substr(0, next + 1)) {
        return depth;
      }
      for (std::size_t i = first; i < last; ++i) {
        if (paths_[i].substr(0, next + 1) != a.substr(0, next + 1)) return depth;
      }
      depth = next;
    }
  }

  const std::vector<std::string_view>& paths_;
  std::vector<bool> found_;
};

}  // namespace

std::vector<bool> may_exist(const std::vector<std::string_view>& paths) {
  Search search(paths);
  search.look(0, paths.size(), 0);
  return std::move(search).found();
}

}  // namespace carrel::plan
