// The plan's sealed memfd, mapped.
#pragma once

#include "jail/launcher/plan_view.h"

namespace carrel::launcher {

// Not valid() if `fd` is no plan. Stays mapped for the process's life.
PlanView map_plan(int fd);

}  // namespace carrel::launcher
