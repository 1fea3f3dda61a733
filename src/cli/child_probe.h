// Something tried in a process of its own.
#pragma once

#include <functional>
#include <string>

namespace carrel::cli {

// How far a child came: the call that failed and its errno, or a value.
struct ProbeReport {
  char step[48] = {};  // "" if all went well
  int error = 0;
  int value = 0;

  [[nodiscard]] bool ok() const { return step[0] == '\0'; }
  [[nodiscard]] bool failed_at(const char* name) const;
  // Not even a user namespace, which enter_namespaces() makes first.
  [[nodiscard]] bool lacks_user_namespace() const;
  [[nodiscard]] std::string text() const;  // "mount(overlay): Operation not permitted"
};

[[nodiscard]] ProbeReport failed_at(const char* step);  // with errno
[[nodiscard]] ProbeReport reported(int value);

// Runs `probe` in a forked child, killed after a few seconds.
[[nodiscard]] ProbeReport in_child(const std::function<ProbeReport()>& probe);

// In a child: a user namespace in which it keeps its IDs, and `flags`
// (CLONE_NEW*) besides. Steps: "unshare(CLONE_NEWUSER)", "setgroups", "uid_map",
// "gid_map", "unshare".
[[nodiscard]] ProbeReport enter_namespaces(int flags);

}  // namespace carrel::cli
