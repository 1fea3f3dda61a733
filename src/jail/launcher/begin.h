// The room is begun before there is a plan. Namespaces are what the kernel takes
// longest for and are the same for every plan, so `carrel run` makes them first
// of all (on another core, if there is one), and plans meanwhile.
//
// carrel enters here before its C library does. The new process loads the
// launcher's image beside carrel's memory, goes over to it, and gives all of
// carrel's memory back: it keeps nothing of its caller's. It ends by itself if it
// gets no plan.
//
// Freestanding, linked into carrel. This header may include no kernel header.
#pragma once

#include <cstdint>

#include "plan/wire.h"

namespace carrel::launcher {

// The first process of the room, as its parent knows it. Both descriptors are
// close-on-exec and stay open until the process ends.
struct BegunRoom {
  std::int32_t pid = 0;     // 0: there is none
  std::int32_t pidfd = -1;  // of that process
  std::int32_t control = -1;
  std::int32_t error = 0;  // errno of `step`, which failed: there is no room
  wire::Step step = wire::Step::kNone;
  std::uint64_t begun_at = 0;  // CLOCK_MONOTONIC ns
};

// The room of this process. Not begun (`begun_at` is 0) if it was not started for
// a run, or with one of its first three descriptors closed.
const BegunRoom& begun_room();

// Maps every id that exists here into the room, under its own number. 0 or a
// negative errno.
long map_ids_of(const BegunRoom& room);

// Gives the room its plan, and the socket for its listeners unless that is -1.
// The room goes on at once. 0 or a negative errno.
long hand_over_plan(const BegunRoom& room, int plan_fd, int handout_fd);

// Ends the room of this process, if there is one, and waits until it is gone.
void end_begun_room();

}  // namespace carrel::launcher
