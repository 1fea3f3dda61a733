// The network namespace: loopback, and the listening sockets that go out.
// Sources: netdevice(7), unix(7).
#pragma once

#include "jail/launcher/control.h"
#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Makes the network namespace beside whatever else the caller does meanwhile: it
// is what the kernel takes longest for. Brings loopback up, opens the plan's
// listeners on 127.0.0.1 and hands them to `handout_fd`. They are accepted on
// outside, before the command starts: there is nothing to wait for and nobody
// inside who could answer in their place.
class NetworkMaker {
 public:
  NetworkMaker(const PlanView& plan, const Failure& failure) : plan_(plan), failure_(failure) {}

  void start();
  // Waits until the namespace is made, and enters it.
  void enter();

 private:
  static void make(void* self);

  const PlanView& plan_;
  const Failure& failure_;
  long namespace_ = -1;
  std::uint32_t running_ = 0;
  alignas(16) char stack_[16 << 10];
};

}  // namespace carrel::launcher
