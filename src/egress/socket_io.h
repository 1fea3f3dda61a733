// Reading without holding: bytes are looked at where the kernel keeps them
// (MSG_PEEK) and taken from there once they are dealt with. So a connection
// that waits owns no buffer, and no bytes are left over when a protocol changes
// in mid-stream.
//
// One scratch buffer serves every connection: what it shows is valid until
// the next co_await.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "egress/asio.h"

namespace carrel::egress {

class Scratch {
 public:
  static constexpr std::size_t kSize = 256 << 10;

  // What has arrived at `socket`, at most `limit` bytes of it; takes nothing.
  // error: would_block if there is nothing, eof at the end.
  [[nodiscard]] std::string_view peek(Socket& socket, std::size_t limit, ErrorCode& error);
  // The same, and takes it.
  [[nodiscard]] std::string_view take(Socket& socket, std::size_t limit, ErrorCode& error);

 private:
  std::unique_ptr<std::array<char, kSize>> bytes_ = std::make_unique<std::array<char, kSize>>();
};

// Takes `count` bytes that were seen by peek().
void discard(Socket& socket, std::size_t count);

// Writes what the kernel takes at once; 0 with no error if it takes nothing.
[[nodiscard]] std::size_t send_some(Socket& socket, std::string_view bytes, ErrorCode& error);

// Until more than `have` bytes have arrived, or the peer has ended or reset.
[[nodiscard]] Task<ErrorCode> wait_for_more(Socket* socket, std::size_t have);

// Has the peer said that it will send nothing more? What it sent before may
// still wait to be read.
[[nodiscard]] bool has_ended(Socket& socket);

// Writes all of `text`.
[[nodiscard]] Task<ErrorCode> send_all(Socket* socket, std::string text);

// Non-blocking, and without waiting to fill packets: a request that waits for
// an acknowledgement takes 40 ms.
void prepare(Socket& socket);

// Ends a connection whose last words must arrive: sends FIN and takes what
// still comes, so that no RST overtakes them. Until the peer has ended, too; the
// caller bounds the time.
[[nodiscard]] Task<> linger(Socket* socket);

}  // namespace carrel::egress
