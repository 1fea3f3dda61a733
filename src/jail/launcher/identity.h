// Numbers as text, and the files of /proc and cgroups that take them.
#pragma once

#include "jail/launcher/kernel.h"

namespace carrel::launcher {

// `value` in decimal (or another base up to ten), with a NUL.
struct Number {
  char text[24];
  unsigned size = 0;

  explicit Number(std::uint64_t value, unsigned base = 10) {
    char reversed[24];
    do reversed[size++] = static_cast<char>('0' + value % base);
    while ((value /= base) != 0);
    for (unsigned i = 0; i < size; ++i) text[i] = reversed[size - 1 - i];
    text[size] = '\0';
  }
};

// Opens an existing file, writes `text` at once. 0 or a negative errno.
long write_existing(const char* path, const char* text, std::size_t size);

// In the namespace of the calling process: `id`, and no other, on both sides.
long map_one_id(const char* map_path, std::uint32_t id);

// For the process `pid` in a user namespace of its own: every id that exists
// here exists there too, under the same number. Needs privileges here.
long map_ids_to_themselves(int pid);

}  // namespace carrel::launcher
