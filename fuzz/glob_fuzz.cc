// "PATTERN\nPATH": the pattern's spelling is a fixed point, a match is announced
// by every folder above it, and no input takes exponential time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/path.h"
#include "policy/glob.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using carrel::policy::Glob;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const carrel::Result<Glob> parsed = Glob::parse(text.substr(0, end));
  if (!parsed.ok()) {
    require(parsed.error().code == carrel::Errc::kInvalid);
    return 0;
  }
  const Glob& glob = parsed.value();
  const carrel::Result<Glob> again = Glob::parse(glob.text());
  require(again.ok() && again.value() == glob);

  const std::string path =
      carrel::normalize_path("/", end == std::string_view::npos ? "" : text.substr(end + 1));
  const bool matches = glob.matches(path);
  require(again.value().matches(path) == matches);
  if (glob.is_literal()) {
    const std::string literal = carrel::normalize_path("/", glob.literal());
    require(glob.matches(literal));
    require(matches == (literal == path));
    require(Glob::of_literal(glob.literal()) == glob);
  }
  if (matches) {
    for (std::string_view dir = path; dir != "/";) {
      dir = carrel::parent_path(dir);
      require(glob.may_match_below(dir));
    }
  }
  return 0;
}
