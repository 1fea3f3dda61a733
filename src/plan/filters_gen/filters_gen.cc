// filters_gen: writes the programs of the common filters as C++ definitions for
// filters_compiled.h to standard output. Runs while Carrel is built, under an
// emulator in a cross build.
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "plan/filters.h"

namespace {

using carrel::plan::Filter;
using carrel::plan::FilterSpec;
using carrel::policy::UnixSockets;

template <typename T>
T or_die(carrel::Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "filters_gen: %s\n", result.error().message.c_str());
  std::exit(EXIT_FAILURE);
}

Filter filter_named(std::string_view name, UnixSockets unix_sockets) {
  FilterSpec spec;
  spec.unix_sockets = unix_sockets;
  for (Filter& filter : or_die(filter_rules(spec))) {
    if (filter.name == name) return std::move(filter);
  }
  std::fprintf(stderr, "filters_gen: there is no filter of that name\n");
  std::exit(EXIT_FAILURE);
}

void print_program(const char* variable, const Filter& filter) {
  const std::vector<sock_filter> program = or_die(compile(filter.rules));
  std::printf("\nconstexpr sock_filter %sOps[] = {\n", variable);
  for (const sock_filter& op : program) {
    std::printf("    {0x%02x, %u, %u, 0x%x},\n", op.code, op.jt, op.jf, op.k);
  }
  std::printf("};\nconst std::span<const sock_filter> %s(%sOps);\n", variable, variable);
}

}  // namespace

int main() {
  std::printf(
      "// Written by filters_gen. Do not edit.\n"
      "#include \"plan/filters_compiled.h\"\n\n"
      "namespace carrel::plan::compiled {\n");
  print_program("kSystemCalls", filter_named("system-calls", UnixSockets::kNone));
  print_program("kSocketsWithoutUnix", filter_named("socket-families", UnixSockets::kNone));
  print_program("kSocketsWithAllOfUnix", filter_named("socket-families", UnixSockets::kAll));
  std::printf("\n}  // namespace carrel::plan::compiled\n");
  return std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
