// Arbitrary bytes as a plan: refused, or every byte that it points to is its own.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "jail/launcher/plan_view.h"

namespace {

using carrel::launcher::PlanView;
namespace wire = carrel::wire;

struct Free {
  void operator()(void* block) const { std::free(block); }
};

// Reads what a launcher would; AddressSanitizer sees what is not the block's.
class Reader {
 public:
  explicit Reader(const PlanView& view) : view_(view) {}

  std::uint64_t read() {
    const wire::Header& header = view_.header();
    elements(header.listeners);
    elements(header.limits);
    elements(header.kept_fds);
    for (const auto* table :
         {&header.cgroup_folders, &header.candidates, &header.arguments, &header.environment}) {
      for (const wire::Text& at : view_.table(*table)) text(at);
    }
    text(header.hostname);
    text(header.working_dir);
    text(header.context);
    for (const wire::Source& source : view_.table(header.sources)) text(source.path);
    for (const wire::MountStep& step : view_.table(header.mounts)) {
      text(step.target);
      text(step.link);
      if (step.op == wire::MountOp::kPlace) {
        sum_ += view_.table(header.sources)[step.source].attributes;
      }
    }
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&header);
    for (const wire::Filter& filter : view_.table(header.filters)) {
      for (std::size_t i = 0; i < filter.count * std::size_t{8}; ++i) {
        sum_ += bytes[filter.offset + i];
      }
    }
    if (header.sources.count > wire::kMaxSources || header.listeners.count > wire::kMaxListeners ||
        header.filters.count > wire::kMaxFilters || header.kept_fds.count > wire::kMaxKeptFds ||
        header.arguments.count == 0 || header.candidates.count == 0) {
      std::abort();
    }
    return sum_;
  }

 private:
  void text(const wire::Text& at) {
    sum_ += std::strlen(view_.text(at));
    if (view_.text(at)[at.size] != '\0') std::abort();
  }
  template <typename T>
  void elements(const wire::Table<T>& table) {
    for (const T& element : view_.table(table)) {
      T copy;
      std::memcpy(&copy, &element, sizeof copy);
      unsigned char first;
      std::memcpy(&first, &copy, 1);
      sum_ += first;
    }
  }

  const PlanView& view_;
  std::uint64_t sum_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // Aligned as mmap(2) gives it, and not a byte longer than the input.
  void* raw = nullptr;
  if (::posix_memalign(&raw, 64, size) != 0) return 0;
  const std::unique_ptr<void, Free> block(raw);
  std::memcpy(block.get(), data, size);
  // Chance alone would hardly find the two numbers that everything depends on.
  if (size >= sizeof(wire::Header)) {
    auto* const header = static_cast<wire::Header*>(block.get());
    if ((data[0] & 1) == 0) header->magic = wire::kMagic;
    if ((data[4] & 1) == 0) header->total_size = static_cast<std::uint32_t>(size);
  }
  const PlanView view(block.get(), size);
  if (!view.valid()) return 0;
  const volatile std::uint64_t sum = Reader(view).read();  // so that no read is left out
  (void)sum;
  return 0;
}
