// Words for the steps of a launch (wire::Step).
#pragma once

#include <string>

#include "plan/wire.h"

namespace carrel::plan {

// What the step does: "seal the file system read-only".
[[nodiscard]] std::string describe(wire::Step step);

// What a user can do about its failure; "" if there is nothing in general.
[[nodiscard]] std::string advice(wire::Step step, int sys_errno);

}  // namespace carrel::plan
