// The end of a run: at once where the exit status says it all, else by way of
// carrel, which has the words, the cgroups' counts and the record to write.
#pragma once

#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

class Finish {
 public:
  Finish(const PlanView& plan, int plan_fd) : plan_(plan), plan_fd_(plan_fd) {}

  [[noreturn]] void finish(wire::Outcome& outcome) const;

 private:
  const PlanView& plan_;
  int plan_fd_;
};

}  // namespace carrel::launcher
