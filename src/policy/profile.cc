#include "policy/profile.h"

#include <algorithm>

#include "base/path.h"
#include "policy/builtin.h"
#include "policy/document.h"
#include "policy/limits.h"
#include "policy/prepared.h"

namespace carrel::policy {
namespace {

Result<BuiltinProfile> find_profile(std::string_view name) {
  const auto profiles = builtin_profiles();
  const auto found =
      std::find_if(profiles.begin(), profiles.end(),
                   [&](const BuiltinProfile& profile) { return profile.name == name; });
  if (found != profiles.end()) return *found;

  std::vector<std::string_view> names;
  for (const BuiltinProfile& profile : profiles) names.push_back(profile.name);
  return Error{Errc::kNotFound,
               "there is no profile '" + printable(name) + "'; " + suggestion(name, names)};
}

}  // namespace

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const BuiltinProfile& profile : builtin_profiles()) names.emplace_back(profile.name);
  return names;
}

Result<std::string> profile_text(std::string_view name) {
  CARREL_TRY(const BuiltinProfile found, find_profile(name));
  return std::string(found.text);
}

Result<Policy> profile(std::string_view name, const PathContext& context) {
  const auto prepared = prepared_policies();
  const auto ready =
      std::find_if(prepared.begin(), prepared.end(),
                   [&](const PreparedPolicy& policy) { return policy.name == name; });
  if (ready != prepared.end()) return expand(*ready, context);
  CARREL_TRY(const BuiltinProfile found, find_profile(name));
  return from_builtin(found, context);
}

void settle(Policy& profile) {
  if (profile.limits.best_effort) {
    profile.limits.from_profile = names_of_set(profile.limits);
    profile.limits.best_effort = false;
  }
  for (const auto* opened : {&profile.files.write, &profile.files.read}) {
    for (const std::string& path : *opened) profile.files.scratch.erase(path);
  }
}

}  // namespace carrel::policy
