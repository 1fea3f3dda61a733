// The launcher's program, linked into carrel (cmake/launcher.cmake).
#pragma once

#include <string_view>

extern "C" {
extern const char carrel_launcher_image[];      // NOLINT: assembled
extern const char carrel_launcher_image_end[];  // NOLINT
}

namespace carrel::jail {

inline std::string_view launcher_image() {
  return {carrel_launcher_image,
          static_cast<std::size_t>(carrel_launcher_image_end - carrel_launcher_image)};
}

}  // namespace carrel::jail
