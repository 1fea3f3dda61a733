// A plan as JSON, and the words that both forms of `explain` share.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/prepare.h"

namespace carrel::cli {

// `explain` needs no command; a plan does.
enum class Given : std::uint8_t { kNoCommand, kCommand };

[[nodiscard]] boost::json::object plan_to_json(const Prepared& prepared, Given given);

[[nodiscard]] std::string_view op_name(wire::MountOp op);
// {"read-only", "nosuid"} of MOUNT_ATTR_*.
[[nodiscard]] std::vector<std::string> attribute_names(std::uint64_t attributes);
[[nodiscard]] std::string_view listener_name(const wire::Listener& listener);
[[nodiscard]] std::string_view means_name(plan::LimitMeans means);

// Where a variable's value comes from. A value that is the caller's own is
// never printed: plans are pasted into bug reports.
enum class ValueOf : std::uint8_t { kPolicy, kCaller, kCarrel };
[[nodiscard]] ValueOf origin(const Prepared& prepared, const std::string& name,
                             const std::string& value);

inline constexpr std::string_view kNamespaces[] = {"user", "mount", "pid",   "network",
                                                   "ipc",  "uts",   "cgroup"};

}  // namespace carrel::cli
