// A text that nobody but its user may see: in memory of its own that no core
// dump holds and, where the limit of locked memory allows it, no swap; wiped
// at its end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace carrel::egress {

class Secret {
 public:
  Secret() = default;
  // Copies `text`; wiping that is for the caller (wipe()).
  [[nodiscard]] static Result<Secret> of(std::string_view text);
  Secret(Secret&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        mapped_(std::exchange(other.mapped_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
  }
  ~Secret();

  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;
};

// Overwrites what `text` holds, in a way that no compiler leaves out.
void wipe(std::string& text);

}  // namespace carrel::egress
