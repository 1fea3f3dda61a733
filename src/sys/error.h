// The one place where errno becomes an Error.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.h"

namespace carrel::sys {

// "Permission denied" for EACCES. Thread-safe, not localised.
[[nodiscard]] std::string errno_text(int code);

// An Error from errno: "openat(/x): Permission denied".
[[nodiscard]] Error failed(std::string_view call, std::string_view subject);

// Calls `call` again for as long as a signal interrupts it.
template <typename Call>
[[nodiscard]] auto retry(Call call) {
  decltype(call()) result;
  do result = call();
  while (result == -1 && errno == EINTR);
  return result;
}

}  // namespace carrel::sys
