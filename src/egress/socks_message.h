// SOCKS as bytes: RFC 1928 (version 5) and the SOCKS 4A memo. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "egress/destination.h"

namespace carrel::egress {

enum class SocksVersion : std::uint8_t { k4 = 4, k5 = 5 };

enum class SocksState : std::uint8_t { kIncomplete, kMalformed, kComplete };

// What a client of version 5 opens with.
struct SocksMethods {
  SocksState state = SocksState::kMalformed;
  std::size_t size = 0;      // bytes taken, of kComplete
  bool offers_none = false;  // "no authentication required"
};
[[nodiscard]] SocksMethods read_socks5_methods(std::string_view bytes);

enum class SocksCommand : std::uint8_t { kConnect, kOther };

struct SocksRequest {
  SocksState state = SocksState::kMalformed;
  std::size_t size = 0;  // bytes taken, of kComplete
  SocksCommand command = SocksCommand::kOther;
  std::string host;  // as it was sent, any bytes; an address in its canonical text
  std::uint16_t port = 0;
  bool known_address_type = true;

  // kInvalid for what names no host, or port 0.
  [[nodiscard]] Result<Destination> destination() const;
};
[[nodiscard]] SocksRequest read_socks5_request(std::string_view bytes);
[[nodiscard]] SocksRequest read_socks4_request(std::string_view bytes);

// No message is longer: a name of 255 bytes, or a user name and a name of version 4A.
inline constexpr std::size_t kMaxSocksMessage = 1024;

// The numbers of RFC 1928 6.
enum class SocksReply : std::uint8_t {
  kSucceeded = 0,
  kGeneralFailure = 1,
  kNotAllowed = 2,
  kNetworkUnreachable = 3,
  kHostUnreachable = 4,
  kConnectionRefused = 5,
  kTimedOut = 6,  // "TTL expired"
  kCommandNotSupported = 7,
  kAddressTypeNotSupported = 8,
};

// The address in it is 0.0.0.0:0: which of this machine's was used is nobody's business.
[[nodiscard]] std::string socks_reply(SocksVersion version, SocksReply reply);
[[nodiscard]] std::string socks5_method_reply(bool accepted);

}  // namespace carrel::egress
