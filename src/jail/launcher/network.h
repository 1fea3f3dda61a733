// The network namespace: loopback, and the listening sockets that go out.
// Sources: netdevice(7), unix(7).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Brings loopback up, opens the plan's listeners on 127.0.0.1 and hands them to
// `handout_fd`. They are accepted on outside, before the command starts: there
// is nothing to wait for and nobody inside who could answer in their place.
void make_network(const PlanView& plan, const Failure& failure);

}  // namespace carrel::launcher
