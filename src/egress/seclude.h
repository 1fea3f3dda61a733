// Makes this process one that holds nothing but what it needs.
#pragma once

#include <vector>

#include "base/result.h"

namespace carrel::egress {

// For a process forked for the engine alone. Closes every descriptor but
// `keep`; 0, 1 and 2 become /dev/null, so that nobody waits for their end. A
// session of its own, so that keys typed at the terminal are not for it.
// SIGPIPE is ignored, every other signal has its default. No core dump, no
// ptrace by the same user, no new privileges, as many open files as it may have.
[[nodiscard]] Status seclude(std::vector<int> keep);

// The last part of it: no descriptor above 2 but `keep` stays open.
[[nodiscard]] Status close_all_but(std::vector<int> keep);

}  // namespace carrel::egress
