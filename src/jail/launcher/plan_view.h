// Reads a plan in place (plan/wire.h). Every access is checked against the
// block's size: a plan that points outside of itself stops the launch.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plan/wire.h"

namespace carrel::launcher {

template <typename T>
struct Slice {
  const T* data = nullptr;
  std::uint32_t count = 0;

  const T* begin() const { return data; }
  const T* end() const { return data + count; }
  const T& operator[](std::uint32_t i) const { return data[i]; }
};

class PlanView {
 public:
  PlanView() = default;
  PlanView(const void* block, std::size_t size) {
    const auto* header = static_cast<const wire::Header*>(block);
    if (size < sizeof(wire::Header) || header->magic != wire::kMagic ||
        header->total_size != size) {
      return;
    }
    header_ = header;
    valid_ = check_tables();
  }

  [[nodiscard]] bool valid() const { return valid_; }
  // Precondition of all below: valid().
  [[nodiscard]] const wire::Header& header() const { return *header_; }

  [[nodiscard]] const char* text(const wire::Text& text) const { return bytes() + text.offset; }

  template <typename T>
  [[nodiscard]] Slice<T> table(const wire::Table<T>& table) const {
    return {reinterpret_cast<const T*>(bytes() + table.offset), table.count};
  }

 private:
  [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(header_); }

  [[nodiscard]] bool holds(std::uint64_t offset, std::uint64_t size) const {
    return offset + size <= header_->total_size;
  }
  [[nodiscard]] bool holds(const wire::Text& text) const {
    return holds(text.offset, std::uint64_t{text.size} + 1) &&
           bytes()[text.offset + text.size] == '\0';
  }
  template <typename T>
  [[nodiscard]] bool holds(const wire::Table<T>& table) const {
    return table.offset % alignof(T) == 0 &&
           holds(table.offset, std::uint64_t{table.count} * sizeof(T));
  }
  [[nodiscard]] bool holds_texts(const wire::Table<wire::Text>& texts) const {
    if (!holds(texts)) return false;
    for (const wire::Text& text : table(texts)) {
      if (!holds(text)) return false;
    }
    return true;
  }

  [[nodiscard]] bool check_tables() const {
    const wire::Header& h = *header_;
    if (!holds(h.sources) || h.sources.count > wire::kMaxSources || !holds(h.mounts) ||
        !holds(h.listeners) || h.listeners.count > wire::kMaxListeners || !holds(h.limits) ||
        !holds(h.filters) || h.filters.count > wire::kMaxFilters || !holds(h.kept_fds) ||
        h.kept_fds.count > wire::kMaxKeptFds || !holds(h.hostname) || !holds(h.working_dir) ||
        !holds(h.context) || !holds_texts(h.cgroup_folders) || !holds_texts(h.candidates) ||
        !holds_texts(h.arguments) || !holds_texts(h.environment) || h.candidates.count == 0 ||
        h.arguments.count == 0) {
      return false;
    }
    for (const wire::Source& source : table(h.sources)) {
      if (!holds(source.path)) return false;
    }
    for (const wire::MountStep& step : table(h.mounts)) {
      if (!holds(step.target) || !holds(step.link) || !holds(step.contents) ||
          step.contents.size > wire::kMaxFileBytes) {
        return false;
      }
      if (step.op == wire::MountOp::kPlace && step.source >= h.sources.count) return false;
    }
    for (const wire::Filter& filter : table(h.filters)) {
      if (filter.offset % 8 != 0 || filter.count > 4096 ||
          !holds(filter.offset, std::uint64_t{filter.count} * 8)) {
        return false;
      }
    }
    return true;
  }

  const wire::Header* header_ = nullptr;
  bool valid_ = false;
};

}  // namespace carrel::launcher
