// The outside: watches the room that carrel began, and ends with it. Runs as the
// process that was carrel; its caller waits for this very process.
#pragma once

namespace carrel::launcher {

// `environment[0]` is the number of the plan's descriptor; the rest is unused.
[[noreturn]] void supervise(char** environment);

}  // namespace carrel::launcher
