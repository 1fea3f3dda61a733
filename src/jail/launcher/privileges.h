// Gives up everything that the command must not have.
// Sources: capabilities(7), prctl(2), seccomp(2), close_range(2).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Empties the bounding and ambient sets, keeps user ID 0 from meaning anything at
// execve, and any execve from gaining a privilege. What this thread itself may do stays.
void forbid_new_privileges(const Failure& failure);

// Empties the effective, permitted and inheritable sets.
void drop_capabilities(const Failure& failure);

// Nobody inside can look into this process, and it dies with the one that
// started it. Comes last: a change of credentials undoes it.
void bind_to_parent(const Failure& failure);

// Installs the plan's filters, in order. Needs no_new_privs.
void install_filters(const PlanView& plan, const Failure& failure);

// Marks every descriptor above 2 to be closed at execve, but for the plan's.
void close_descriptors_at_exec(const PlanView& plan, const Failure& failure);

}  // namespace carrel::launcher
