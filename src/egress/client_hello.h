// The first bytes of a TLS client: the server name that it shows in clear text.
// Sources: RFC 8446 4.1.2 and 5.1, RFC 6066 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace carrel::egress {

struct ClientHello {
  enum class Kind : std::uint8_t {
    kNotTls,      // the bytes begin no ClientHello
    kIncomplete,  // they begin one; more are needed
    kNoName,      // a ClientHello without a server name
    kName,        // `server_name` is what it says, unchecked
    kMalformed,   // it claims to be one and is not, or names more than one server
  };
  Kind kind = Kind::kNotTls;
  std::string server_name;
};

// A hello longer than this is kMalformed. Real ones, with post-quantum keys, have 2 KiB.
inline constexpr std::size_t kMaxClientHello = 32 << 10;

// `bytes` are all that has come from the client so far.
[[nodiscard]] ClientHello read_client_hello(std::string_view bytes);

}  // namespace carrel::egress
