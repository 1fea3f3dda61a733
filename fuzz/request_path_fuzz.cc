// Paths of requests to inspected hosts: what is judged must be what any server reads.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "egress/request_path.h"

namespace {

void check(bool promise) {
  if (!promise) std::abort();
}

// Every octet but letters, digits and '/', percent-encoded.
std::string encoded(std::string_view path) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || c == '/') {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view target(reinterpret_cast<const char*>(data), size);
  const auto path = carrel::egress::judged_path(target);
  if (!path.ok()) return 0;
  const std::string whole = "/" + path.value() + "/";
  check(path.value().starts_with('/'));
  check(whole.find("/./") == std::string::npos && whole.find("/../") == std::string::npos);
  check(path.value().find("//") == std::string::npos);
  for (const char c : path.value()) check(static_cast<unsigned char>(c) >= 0x20 && c != '\\');
  // However a client spells it, it is the same path.
  const auto again = carrel::egress::judged_path(encoded(path.value()) + "?query=/../");
  check(again.ok() && again.value() == path.value());
  return 0;
}
