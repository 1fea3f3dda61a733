#include "plan/filters.h"

#include "plan/filters_compiled.h"
#include "plan/filters_internal.h"

namespace carrel::plan {
namespace {

// What was compiled at build time for the filter called `name`; empty if nothing was.
std::span<const sock_filter> prepared(std::string_view name, const FilterSpec& spec) {
  if (name == internal::kSocketFamilies) {
    return spec.unix_sockets == policy::UnixSockets::kNone ? compiled::kSocketsWithoutUnix
                                                           : compiled::kSocketsWithAllOfUnix;
  }
  if (spec.extra_denied.empty()) return compiled::kSystemCalls;
  return {};
}

}  // namespace

Result<std::vector<Filter>> filters(const FilterSpec& spec) {
  CARREL_TRY(std::vector<Filter> all, filter_rules(spec));
  for (Filter& filter : all) {
    const std::span<const sock_filter> ready = prepared(filter.name, spec);
    if (!ready.empty()) {
      filter.program.assign(ready.begin(), ready.end());
      continue;
    }
    CARREL_TRY(filter.program, compile(filter.rules));
  }
  return all;
}

}  // namespace carrel::plan
