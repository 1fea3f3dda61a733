// The keys of the policy file, for its reader and for its schema.
#pragma once

#include <array>
#include <string_view>

namespace carrel::policy {

inline constexpr std::array<std::string_view, 10> kRootKeys = {
    "profile", "hostname",     "files",   "environment", "limits",
    "network", "system_calls", "gateway", "credential",  "request"};
inline constexpr std::array<std::string_view, 8> kFilesKeys = {
    "inherit", "write", "read", "hide", "protect", "protect_names", "dependencies", "scratch"};
inline constexpr std::array<std::string_view, 3> kEnvironmentKeys = {"inherit", "pass", "set"};
inline constexpr std::array<std::string_view, 9> kLimitsKeys = {
    "inherit",   "memory",  "cpus",      "processes",  "open_files",
    "file_size", "scratch", "wall_time", "best_effort"};
inline constexpr std::array<std::string_view, 8> kNetworkKeys = {
    "inherit", "allow",        "deny",    "host_ports",
    "publish", "unix_sockets", "inspect", "inspect_exclude"};
inline constexpr std::array<std::string_view, 2> kGatewayKeys = {"name", "url"};
inline constexpr std::array<std::string_view, 7> kRequestKeys = {
    "hosts", "gateway", "methods", "paths", "action", "reason", "max_request_bytes"};
inline constexpr std::array<std::string_view, 14> kCredentialKeys = {
    "name",  "hosts", "gateway", "methods", "paths",   "header", "scheme",
    "basic", "query", "env",     "file",    "command", "only",   "placeholder_env"};
inline constexpr std::array<std::string_view, 1> kBasicKeys = {"user"};
inline constexpr std::array<std::string_view, 2> kDenyRuleKeys = {"host", "reason"};
inline constexpr std::array<std::string_view, 2> kSystemCallsKeys = {"inherit", "deny"};

}  // namespace carrel::policy
