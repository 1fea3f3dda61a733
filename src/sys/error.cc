#include "sys/error.h"

#include <system_error>

namespace carrel::sys {

std::string errno_text(int code) { return std::generic_category().message(code); }

Error failed(std::string_view call, std::string_view subject) {
  const int code = errno;
  const Errc kind = code == EACCES || code == EPERM ? Errc::kDenied
                    : code == ENOENT                ? Errc::kNotFound
                    : code == ENOSYS                ? Errc::kUnsupported
                                                    : Errc::kSystem;
  return Error{kind, std::string(call) + "(" + std::string(subject) + "): " + errno_text(code),
               code};
}

}  // namespace carrel::sys
