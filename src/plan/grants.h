// What paths in a policy really name.
#pragma once

#include <string>

#include "base/result.h"

namespace carrel::plan {

enum class EntryKind : std::uint8_t { kFolder, kFile, kLink };

struct Place {
  std::string path;  // real: no symbolic link on the way
  EntryKind kind = EntryKind::kFolder;
};

// A path that is to be opened up (written, or read below a hidden folder).
// Links are a way to make a policy mean another place than its author saw, so
// none is followed, except those that the system's own layout has directly in
// "/" and "/var" (/home -> /usr/home, /var/run -> /run). kNotFound for a path
// that does not exist, kInvalid for a link; both say what to do.
// The last component itself may be such a link only where that is asked for ("/bin").
enum class LastLink : std::uint8_t { kRefused, kSystem };
[[nodiscard]] Result<Place> resolve_grant(const std::string& path, const std::string& rule,
                                          LastLink last_link = LastLink::kRefused);

}  // namespace carrel::plan
