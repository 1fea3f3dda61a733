// A plan as the block that the launcher reads (wire.h).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/plan.h"

namespace carrel::plan {

// Descriptors and words of one particular run.
struct RunHandles {
  int carrel_fd = -1;
  int room_pid = 0;     // the room's first process,
  int room_fd = -1;     // its pidfd,
  int control_fd = -1;  // and the socket that it is spoken with
  int proxy_pid = 0;    // carrel's own proxy,
  int proxy_fd = -1;    // and the socket that it lives for
  std::vector<std::string> cgroup_folders;
  bool always_finish = false;
  bool record_denials = false;
  std::string context;
  std::uint64_t started_at = 0;  // CLOCK_MONOTONIC ns
  std::uint64_t begun_at = 0;
  std::uint64_t planned_at = 0;
};

// kInvalid if the plan is larger than the block can be (4 GiB) or than a table holds.
[[nodiscard]] Result<std::string> encode(const Plan& plan, const RunHandles& handles);

}  // namespace carrel::plan
