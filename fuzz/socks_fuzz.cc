// What a client of the SOCKS listener may send.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "egress/socks_message.h"

namespace {

using namespace carrel::egress;  // NOLINT(google-build-using-namespace)

void check(bool promise) {
  if (!promise) std::abort();
}

void check_request(const SocksRequest& request, std::size_t available) {
  if (request.state != SocksState::kComplete) return;
  check(request.size <= available);
  const auto destination = request.destination();
  if (!destination.ok()) return;
  // Whatever the spelling was, this one means the same.
  const auto again = parse_authority(destination.value().text());
  check(again.ok() && again.value() == destination.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const SocksMethods methods = read_socks5_methods(bytes);
  if (methods.state == SocksState::kComplete) {
    check(methods.size <= size);
    check_request(read_socks5_request(bytes.substr(methods.size)), size - methods.size);
  }
  check_request(read_socks5_request(bytes), size);
  check_request(read_socks4_request(bytes), size);
  return 0;
}
