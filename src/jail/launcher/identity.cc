#include "jail/launcher/identity.h"

namespace carrel::launcher {
namespace {

constexpr unsigned kMapSize = 4096;  // a map is written at once and has at most a page

class Text {
 public:
  void add(const char* text, unsigned size) {
    for (unsigned i = 0; i < size && size_ < kMapSize; ++i) bytes_[size_++] = text[i];
  }
  void add(std::uint64_t value, char after) {
    const Number number(value);
    add(number.text, number.size);
    add(&after, 1);
  }
  [[nodiscard]] const char* data() const { return bytes_; }
  [[nodiscard]] unsigned size() const { return size_; }

 private:
  char bytes_[kMapSize];
  unsigned size_ = 0;
};

// Reads an unsigned number at `at` and moves past it and the blanks before it.
std::uint64_t take_number(const char*& at, const char* end) {
  while (at < end && (*at < '0' || *at > '9')) ++at;
  std::uint64_t value = 0;
  while (at < end && *at >= '0' && *at <= '9') {
    value = value * 10 + static_cast<unsigned>(*at++ - '0');
  }
  return value;
}

// user_namespaces(7): lines of "inside outside count". What is inside here is
// outside there.
long copy_map(const char* own_map, int pid, const char* file) {
  char lines[kMapSize];
  const long fd = kernel::openat(AT_FDCWD, own_map, O_RDONLY);
  if (fd < 0) return fd;
  const long size = kernel::read(static_cast<int>(fd), lines, sizeof lines);
  kernel::close(static_cast<int>(fd));
  if (size < 0) return size;

  Text map;
  const char* at = lines;
  const char* const end = lines + size;
  while (at < end) {
    const std::uint64_t inside = take_number(at, end);
    (void)take_number(at, end);
    const std::uint64_t count = take_number(at, end);
    if (count == 0) break;
    map.add(inside, ' ');
    map.add(inside, ' ');
    map.add(count, '\n');
    while (at < end && *at == '\n') ++at;
  }
  Text path;
  path.add("/proc/", 6);
  path.add(static_cast<std::uint64_t>(pid), '/');
  path.add(file, static_cast<unsigned>(kernel::text_size(file)) + 1);
  return write_existing(path.data(), map.data(), map.size());
}

}  // namespace

long write_existing(const char* path, const char* text, std::size_t size) {
  const long fd = kernel::openat(AT_FDCWD, path, O_WRONLY);
  if (fd < 0) return fd;
  const long written = kernel::write(static_cast<int>(fd), text, size);
  kernel::close(static_cast<int>(fd));
  return written < 0 ? written : 0;
}

long map_one_id(const char* map_path, std::uint32_t id) {
  Text map;
  map.add(id, ' ');
  map.add(id, ' ');
  map.add("1", 1);
  return write_existing(map_path, map.data(), map.size());
}

long map_ids_to_themselves(int pid) {
  const long uids = copy_map("/proc/self/uid_map", pid, "uid_map");
  return uids < 0 ? uids : copy_map("/proc/self/gid_map", pid, "gid_map");
}

}  // namespace carrel::launcher
