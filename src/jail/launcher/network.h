// The network namespace: loopback, and the listening sockets that go out.
// Sources: network_namespaces(7), netdevice(7), unix(7).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Moves the calling thread into a network namespace of its own with a loopback
// that is up.
void make_network(const Failure& failure);

// Opens the plan's listeners on 127.0.0.1 and hands them to the Unix socket
// `handout`. They are accepted on outside, before the command starts: there is
// nothing to wait for and nobody inside who could answer in their place.
void open_listeners(const PlanView& plan, int handout, const Failure& failure);

}  // namespace carrel::launcher
