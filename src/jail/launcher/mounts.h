// Makes the file system of the room, in place: the tree of the host becomes
// read-only in this mount namespace, then the plan's steps cover it.
// Sources: open_tree(2), move_mount(2), mount_setattr(2), fsopen(2), openat2(2).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Runs in the new user and mount namespaces, with full capabilities over them; it
// may be any thread of a process that has them.
// Afterwards every step has been checked to be what stands at its target.
void make_mounts(const PlanView& plan, const Failure& failure);

}  // namespace carrel::launcher
