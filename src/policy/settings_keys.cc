#include "policy/settings_keys.h"

#include <algorithm>
#include <array>

namespace carrel::policy {
namespace {

using Kind = SettingsKind;

constexpr std::string_view kOwnProxies =
    "the sandbox's connections end in Carrel's own proxies, which apply the rules; remove it";

constexpr std::array<SettingsKey, 17> kRoot = {{
    {"network", Kind::kObject},
    {"filesystem", Kind::kObject},
    {"git", Kind::kObject},
    {"credentials", Kind::kObject,
     "no secret is put into a sandbox; hide files with filesystem.denyRead, and leave variables "
     "out by not naming them"},
    {"enableWeakerNestedSandbox", Kind::kBoolean,
     "there is no weaker sandbox; remove it, and see 'carrel doctor' for what this machine lacks"},
    // Reports, and how other programs are found: nothing that a policy means.
    {"ignoreViolations", Kind::kObject},
    {"mandatoryDenySearchDepth", Kind::kInteger},  // protected names are found at any depth
    {"ripgrep", Kind::kObject},
    {"seccomp", Kind::kObject},
    {"bwrapPath", Kind::kString},
    {"socatPath", Kind::kString},
    {"javaAgentJarPath", Kind::kString},
    // macOS and Windows.
    {"enableWeakerNetworkIsolation", Kind::kBoolean},
    {"allowAppleEvents", Kind::kBoolean},
    {"allowPty", Kind::kBoolean},
    {"windows", Kind::kObject},
    {"$schema", Kind::kString},
}};

constexpr std::array<SettingsKey, 14> kNetwork = {{
    {"allowedDomains", Kind::kList},
    {"deniedDomains", Kind::kList},
    {"deniedDomainReasons", Kind::kObject},
    {"deniedResolvedAddresses", Kind::kList},
    {"allowAllUnixSockets", Kind::kBoolean},
    {"allowUnixSockets", Kind::kList,
     "a socket by its path is not opened one at a time; remove it, or open all that are visible "
     "with allowAllUnixSockets"},
    // A host that is in no list is refused, never asked about; and "localhost"
    // is the sandbox's own, where every port may be bound.
    {"strictAllowlist", Kind::kBoolean},
    {"allowLocalBinding", Kind::kBoolean},
    {"allowMachLookup", Kind::kList},
    {"httpProxyPort", Kind::kInteger, kOwnProxies},
    {"socksProxyPort", Kind::kInteger, kOwnProxies},
    {"mitmProxy", Kind::kObject, kOwnProxies},
    {"parentProxy", Kind::kObject, kOwnProxies},
    {"tlsTerminate", Kind::kObject,
     "encrypted connections stay encrypted from end to end; remove it"},
}};

constexpr std::array<SettingsKey, 6> kFilesystem = {{
    {"denyRead", Kind::kList},
    {"allowRead", Kind::kList},
    {"allowWrite", Kind::kList},
    {"denyWrite", Kind::kList},
    {"allowGitConfig", Kind::kBoolean},
    {"disabled", Kind::kBoolean,
     "a sandbox always confines files; remove it, and name what may be written in allowWrite"},
}};

constexpr std::array<std::string_view, 5> kKindNames = {"true or false", "an integer", "a string",
                                                        "a list", "an object"};

bool is_of(SettingsKind kind, const Value& value) {
  switch (kind) {
    case Kind::kBoolean:
      return std::holds_alternative<bool>(value.data);
    case Kind::kInteger:
      return std::holds_alternative<std::int64_t>(value.data);
    case Kind::kString:
      return std::holds_alternative<std::string>(value.data);
    case Kind::kList:
      return std::holds_alternative<Array>(value.data);
    case Kind::kObject:
      return std::holds_alternative<Table>(value.data);
  }
  return false;
}

bool asks_for_nothing(const Value& value) {
  if (const auto* truth = std::get_if<bool>(&value.data)) return !*truth;
  if (const auto* list = std::get_if<Array>(&value.data)) return list->empty();
  if (const auto* object = std::get_if<Table>(&value.data)) return object->empty();
  return false;
}

}  // namespace

std::span<const SettingsKey> settings_root_keys() { return kRoot; }
std::span<const SettingsKey> settings_network_keys() { return kNetwork; }
std::span<const SettingsKey> settings_filesystem_keys() { return kFilesystem; }

Status check_settings_keys(const Source& source, const Table& table, std::string_view where,
                           std::span<const SettingsKey> keys) {
  std::vector<std::string_view> names;
  for (const SettingsKey& key : keys) names.push_back(key.name);
  CARREL_CHECK(source.check_keys(table, where, names));

  for (const Member& member : table) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const SettingsKey& candidate) {
      return candidate.name == member.key;
    });
    if (!is_of(key->kind, member.value)) {
      const auto kind = static_cast<std::size_t>(key->kind);
      return source.wrong_type(member.key, kKindNames[kind], member.value);
    }
    if (key->refused.empty() || asks_for_nothing(member.value)) continue;
    return source.error(member.at,
                        "'" + member.key + "' is not taken over: " + std::string(key->refused));
  }
  return Unit{};
}

}  // namespace carrel::policy
