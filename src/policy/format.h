// The keys of the policy file, for its reader and for its schema.
#pragma once

#include <array>
#include <string_view>

namespace carrel::policy {

inline constexpr std::array<std::string_view, 7> kRootKeys = {
    "profile", "hostname", "files", "environment", "limits", "network", "system_calls"};
inline constexpr std::array<std::string_view, 8> kFilesKeys = {
    "inherit", "write", "read", "hide", "protect", "protect_names", "dependencies", "scratch"};
inline constexpr std::array<std::string_view, 3> kEnvironmentKeys = {"inherit", "pass", "set"};
inline constexpr std::array<std::string_view, 9> kLimitsKeys = {
    "inherit",   "memory",  "cpus",      "processes",  "open_files",
    "file_size", "scratch", "wall_time", "best_effort"};
inline constexpr std::array<std::string_view, 6> kNetworkKeys = {
    "inherit", "allow", "deny", "host_ports", "publish", "unix_sockets"};
inline constexpr std::array<std::string_view, 2> kDenyRuleKeys = {"host", "reason"};
inline constexpr std::array<std::string_view, 2> kSystemCallsKeys = {"inherit", "deny"};

}  // namespace carrel::policy
