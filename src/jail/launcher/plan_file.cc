#include "jail/launcher/plan_file.h"

#include "jail/launcher/kernel.h"

namespace carrel::launcher {

PlanView map_plan(int fd) {
  struct statx info{};
  if (kernel::statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &info) < 0) return {};
  const long block = kernel::call(__NR_mmap, nullptr, info.stx_size, PROT_READ, MAP_PRIVATE, fd, 0);
  return block > 0 ? PlanView(reinterpret_cast<const void*>(block), info.stx_size) : PlanView();
}

}  // namespace carrel::launcher
