// Every key that a settings file can hold, and what becomes of it here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "policy/document.h"

namespace carrel::policy {

enum class SettingsKind : std::uint8_t { kBoolean, kInteger, kString, kList, kObject };

struct SettingsKey {
  std::string_view name;
  SettingsKind kind;
  // Empty for a key that is read, or that has nothing to say to a sandbox on
  // Linux. Otherwise why it is refused, "reason; fix", unless its value asks
  // for nothing: false, [] or {}.
  std::string_view refused = {};
};

[[nodiscard]] std::span<const SettingsKey> settings_root_keys();
[[nodiscard]] std::span<const SettingsKey> settings_network_keys();
[[nodiscard]] std::span<const SettingsKey> settings_filesystem_keys();

// Refuses unknown keys, wrong types, and what is not taken over.
[[nodiscard]] Status check_settings_keys(const Source& source, const Table& table,
                                         std::string_view where, std::span<const SettingsKey> keys);

}  // namespace carrel::policy
