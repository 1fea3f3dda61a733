// What a client may send first in a tunnel.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "egress/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Kind = carrel::egress::ClientHello::Kind;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto hello = carrel::egress::read_client_hello(bytes);
  if ((hello.kind == Kind::kName) == hello.server_name.empty()) std::abort();
  // A verdict stands, whatever follows: nothing may pass that would be refused later.
  if (hello.kind != Kind::kIncomplete) return 0;
  if (size > carrel::egress::kMaxClientHello) std::abort();
  for (const std::size_t shorter : {size / 2, size > 0 ? size - 1 : 0}) {
    if (carrel::egress::read_client_hello(bytes.substr(0, shorter)).kind != Kind::kIncomplete) {
      std::abort();
    }
  }
  return 0;
}
