// The network namespace: loopback, routes, and the listening sockets that go out.
// Sources: network_namespaces(7), netdevice(7), rtnetlink(7), ip(7) (IP_TRANSPARENT), unix(7).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Moves the calling thread into a network namespace of its own with a loopback
// that is up.
void make_network(const Failure& failure);

// Opens the plan's listeners on 127.0.0.1, and where the plan has routes those for
// connections along them, and hands all to the Unix socket `handout`, in this order.
// They are accepted on outside, before the command starts: there is nothing to wait
// for and nobody inside who could answer in their place.
void open_listeners(const PlanView& plan, int handout, const Failure& failure);

}  // namespace carrel::launcher
