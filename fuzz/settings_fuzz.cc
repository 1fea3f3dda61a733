// Any bytes as a settings file: an answer, never a crash; what is accepted is a
// policy that check() accepts, and what is refused says where.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/path.h"
#include "policy/from_settings.h"

namespace {

using carrel::policy::Policy;

const carrel::policy::PathContext kContext{"/home/ann", "/home/ann/work"};

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const carrel::Result<Policy> parsed = carrel::policy::from_settings(text, "s.json", kContext);
  if (!parsed.ok()) {
    const std::string& message = parsed.error().message;
    require(parsed.error().code == carrel::Errc::kInvalid);
    require(message.starts_with("s.json:") && message.find_first_of("0123456789") == 7);
    require(carrel::printable(message) == message);
    return 0;
  }
  const Policy& policy = parsed.value();
  require(carrel::policy::check(policy).ok());
  for (const std::string& path : policy.files.write) {
    require(!policy.files.read.contains(path));
    for (const auto& glob : policy.files.protect) require(!glob.matches(path));
  }
  return 0;
}
