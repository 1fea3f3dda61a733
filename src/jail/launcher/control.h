// The one channel between the supervisor outside and PID 1 inside: messages on
// a SOCK_SEQPACKET pair. When either end dies, the other sees the end of file.
#pragma once

#include "jail/launcher/kernel.h"
#include "plan/wire.h"

namespace carrel::launcher {

struct Message {
  enum class Kind : std::uint32_t {
    // to PID 1
    kHandout,    // carries the socket that the listeners go to
    kPlan,       // carries the plan: ids are mapped, cgroups joined
    kSignal,     // `value`: to the command's process group
    kSignalAll,  // `value`: to every process inside
    // from PID 1
    kFailed,       // `step`, `value` (errno), `index`
    kTerminal,     // carries the pty's master
    kNotifier,     // carries the seccomp listener
    kStarted,      // the command is about to be executed; `phases`
    kNotExecuted,  // `value` (errno): the room stands, the command cannot run
    kStopped,      // the command was stopped (Ctrl-Z)
    kEnded,        // `value`: wait status; `index`: processes left; `phases`
  };
  Kind kind;
  std::uint32_t value;
  wire::Step step;
  std::uint32_t index;
  std::uint32_t private_full;  // of kEnded
  std::uint32_t reserved;
  wire::Phases phases;
};

// Sends `message`, with one descriptor unless `fd` is -1. 0 or a negative errno.
long send(int socket, const Message& message, int fd = -1);

// Receives one message. Returns 1, 0 at the end of file, or a negative errno;
// `fd` becomes -1 or a descriptor (CLOEXEC).
long receive(int socket, Message& message, int& fd, int flags = 0);

// Hands descriptors over a Unix stream socket, one byte per send.
long send_fds(int socket, const int* fds, unsigned count);

// Ends a launch that cannot go on: says why, and is gone.
class Failure {
 public:
  explicit constexpr Failure(int control) : control_(control) {}

  [[noreturn]] void report(wire::Step step, long error, std::uint32_t index = 0) const {
    Message message{};
    message.kind = Message::Kind::kFailed;
    message.step = step;
    message.value = static_cast<std::uint32_t>(-error);
    message.index = index;
    send(control_, message);
    kernel::exit(125);
  }

  // `result` if it is no error; else reports it.
  long must(wire::Step step, long result, std::uint32_t index = 0) const {
    if (result < 0) report(step, result, index);
    return result;
  }

 private:
  int control_;
};

}  // namespace carrel::launcher
