// Any bytes as a policy file: an answer, never a crash; what is accepted is a
// policy that check() accepts, and what is refused says where.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/path.h"
#include "policy/from_toml.h"

namespace {

using carrel::policy::Policy;

const carrel::policy::PathContext kContext{"/home/ann", "/home/ann/work"};

void require(bool holds) {
  if (!holds) std::abort();
}

bool has_place(std::string_view message, std::string_view source) {
  if (!message.starts_with(source)) return false;
  message.remove_prefix(source.size());
  for (int number = 0; number < 2; ++number) {
    if (!message.starts_with(':')) return false;
    message.remove_prefix(1);
    const std::size_t digits = message.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || message[0] == '0') return false;
    message.remove_prefix(digits);
  }
  return message.starts_with(": ");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const carrel::Result<Policy> parsed = carrel::policy::from_toml(text, "p.toml", kContext);
  if (!parsed.ok()) {
    require(parsed.error().code == carrel::Errc::kInvalid);
    require(has_place(parsed.error().message, "p.toml"));
    require(carrel::printable(parsed.error().message) == parsed.error().message);
    return 0;
  }
  const Policy& policy = parsed.value();
  require(carrel::policy::check(policy).ok());
  // Nothing is left to be said by laying a policy's own rules over it again.
  require(carrel::policy::overlay(policy.files, policy.files) == policy.files);
  require(carrel::policy::overlay(policy.network, policy.network) == policy.network);
  for (const auto* paths : {&policy.files.write, &policy.files.read, &policy.files.scratch}) {
    for (const std::string& path : *paths) require(carrel::normalize_path("/", path) == path);
  }
  for (const auto* globs : {&policy.files.hide, &policy.files.protect}) {
    for (const auto& glob : *globs) require(glob.text().starts_with('/'));
  }
  return 0;
}
