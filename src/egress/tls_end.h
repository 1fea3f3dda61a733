// One end of TLS as a pair of Unix sockets: what is written into the one that is
// given out goes encrypted over the wire, and back. So one conversation serves
// plain and encrypted connections alike, and neither knows.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "egress/asio.h"
#include "egress/tls.h"

namespace carrel::egress {

// What a stream of bytes cannot say. Shared by both sides of the pair.
struct TlsFate {
  bool in_order = false;   // the peer said that it was at its end (close_notify)
  bool break_off = false;  // set by the user: end without saying so, since not all was sent
};

struct TlsEnd {
  Socket plain;
  std::shared_ptr<TlsFate> fate;
  std::string protocol;  // chosen by ALPN; "" if none was
};

// Shakes hands over `wire` and gives the other end, which carries what is inside;
// else why not. At most `patience`.
[[nodiscard]] Task<std::variant<TlsEnd, std::string>> open_tls(Socket wire, SslPtr ssl,
                                                               Clock::duration patience);

}  // namespace carrel::egress
