// Makes the file system of the room, in place: the tree of the host becomes
// read-only in this mount namespace, then the plan's steps cover it.
// Sources: open_tree(2), move_mount(2), mount_setattr(2), fsopen(2), openat2(2).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Both run in the new user and mount namespaces, with full capabilities over them,
// on any one thread of a process that has them.

// What every room has (plan/system_steps.h), before there is a plan.
void prepare_mounts(const Failure& failure);

// The rest. Afterwards every step of the plan has been checked to be what stands
// at its target.
void make_mounts(const PlanView& plan, const Failure& failure);

}  // namespace carrel::launcher
