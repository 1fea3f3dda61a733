// What `carrel doctor` tries. Every probe does the thing, in a child process
// and in namespaces of its own where it would change something, so that nothing
// is left behind.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/child_probe.h"

namespace carrel::cli {

enum class Health : std::uint8_t {
  kGood,
  kInfo,     // good to know; changes nothing
  kLacking,  // Carrel works, with less
  kBroken,   // `carrel run` cannot work
};

struct Check {
  std::string name;
  Health health = Health::kGood;
  std::string found;
  std::string use;   // what Carrel does with it
  std::string mend;  // a command, or what to change; "" if there is nothing to mend
};

// A check that succeeds unless judged() finds otherwise.
[[nodiscard]] Check good(std::string name, std::string found, std::string use);
// `check` with what `report` means for it; `otherwise` is what a failure is.
[[nodiscard]] Check judged(Check check, const ProbeReport& report, Health otherwise,
                           std::string mend);

// The value of a sysctl such as "vm/memfd_noexec"; nullopt if this kernel has none.
[[nodiscard]] std::optional<std::string> sysctl(const std::string& name);
[[nodiscard]] bool exists(const std::string& path);

[[nodiscard]] Check check_kernel();
[[nodiscard]] Check check_container();
[[nodiscard]] Check check_user_namespaces();
[[nodiscard]] Check check_other_namespaces();
[[nodiscard]] Check check_mount_api();
[[nodiscard]] Check check_proc();
[[nodiscard]] Check check_seccomp();
[[nodiscard]] Check check_notification();
[[nodiscard]] Check check_memfd();
[[nodiscard]] std::vector<Check> check_cgroups();  // the layout, and each controller
[[nodiscard]] Check check_overlayfs();
[[nodiscard]] Check check_landlock();
[[nodiscard]] Check check_nftables();
[[nodiscard]] Check check_kvm();
[[nodiscard]] Check check_ptrace_scope();

// `carrel run -- true` itself.
[[nodiscard]] Check check_run();

}  // namespace carrel::cli
