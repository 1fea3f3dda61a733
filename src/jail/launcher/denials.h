// Refused system calls, counted: the filters hold such a call, the supervisor
// notes it and gives the answer that the filter would have given.
// Source: seccomp_unotify(2).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Inside: installs the plan's filters so that what they refuse with an error is
// held, and sends the listener to the supervisor. What they kill for is still killed.
void install_recording_filters(const PlanView& plan, int control, const Failure& failure);

// Outside: answers one held call on `listener`, with the error that the plan's
// filters give (never "go on"), and counts it in `outcome`.
void answer_refused_call(const PlanView& plan, int listener, wire::Outcome& outcome);

}  // namespace carrel::launcher
