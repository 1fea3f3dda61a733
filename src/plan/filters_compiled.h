// The programs of the common specs, compiled when Carrel is built: filters_gen
// writes the definitions (cmake/filters.cmake).
#pragma once

#include <linux/filter.h>

#include <span>

namespace carrel::plan::compiled {

extern const std::span<const sock_filter> kSystemCalls;           // nothing extra denied
extern const std::span<const sock_filter> kSocketsWithoutUnix;    // UnixSockets::kNone
extern const std::span<const sock_filter> kSocketsWithAllOfUnix;  // UnixSockets::kAll

}  // namespace carrel::plan::compiled
