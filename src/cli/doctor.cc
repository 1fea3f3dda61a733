#include <signal.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/path.h"
#include "cli/commands.h"
#include "cli/doctor_probes.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/text.h"

namespace carrel::cli {
namespace {

namespace json = boost::json;

constexpr int kDiagnosisVersion = 1;

std::vector<Check> all_checks() {
  std::vector<Check> checks = {check_kernel(),           check_container(), check_user_namespaces(),
                               check_other_namespaces(), check_mount_api(), check_proc(),
                               check_seccomp(),          check_memfd()};
  for (Check& check : check_cgroups()) checks.push_back(std::move(check));
  for (const auto probe : {check_overlayfs, check_notification, check_landlock, check_nftables,
                           check_kvm, check_ptrace_scope, check_run}) {
    checks.push_back(probe());
  }
  return checks;
}

std::string_view word(Health health) {
  switch (health) {
    case Health::kGood:
      return "good";
    case Health::kInfo:
      return "info";
    case Health::kLacking:
      return "lacking";
    case Health::kBroken:
      return "broken";
  }
  return "?";
}

std::string to_text(const std::vector<Check>& checks) {
  constexpr std::size_t kHealthWidth = 9;
  std::size_t name_width = 0;
  for (const Check& check : checks) name_width = std::max(name_width, check.name.size());
  const std::size_t indent = kHealthWidth + name_width + 2;
  const std::string margin = "\n" + std::string(indent, ' ');
  std::string out;
  for (const Check& check : checks) {
    out += padded(word(check.health), kHealthWidth) + padded(check.name, name_width + 2) +
           wrapped(printable(check.found), indent);
    out += margin + wrapped("-> " + printable(check.use), indent);
    // Not wrapped: it is to be copied.
    if (!check.mend.empty()) out += margin + "mend: " + printable(check.mend);
    out += '\n';
  }
  return out;
}

json::object to_json(const std::vector<Check>& checks, bool works) {
  json::array list;
  for (const Check& check : checks) {
    json::object entry{{"name", check.name},
                       {"health", json::string(word(check.health))},
                       {"found", check.found},
                       {"use", check.use}};
    if (!check.mend.empty()) entry["mend"] = check.mend;
    list.push_back(std::move(entry));
  }
  return {{"version", kDiagnosisVersion},
          {"carrel", json::string(kVersion)},
          {"works", works},
          {"checks", std::move(list)}};
}

}  // namespace

Result<Diagnosis> doctor(const Arguments& arguments) {
  ::signal(SIGCHLD, SIG_DFL);  // a parent that ignores it hands that on, and waitpid fails
  const std::vector<Check> checks = all_checks();
  // The last one is the thing itself; the others say why it may not work.
  const bool works = checks.back().health == Health::kGood;
  Diagnosis diagnosis;
  diagnosis.exit_status = works ? 0 : 1;
  diagnosis.text = arguments.has(Opt::kJson)
                       ? json_text(to_json(checks, works))
                       : to_text(checks) + (works ? "\n`carrel run` works here.\n"
                                                  : "\n`carrel run` does not work here.\n");
  return diagnosis;
}

}  // namespace carrel::cli
