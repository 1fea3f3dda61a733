#include "egress/socket_io.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/write.hpp>

#include "egress/asio.h"
#include "sys/error.h"

namespace carrel::egress {
namespace {

// Of a client that goes on sending what nobody will read.
constexpr std::size_t kMaxUnread = 256 << 20;

void set_low_water_mark(Socket& socket, std::size_t bytes) {
  ErrorCode ignored;
  socket.set_option(asio::socket_base::receive_low_watermark(static_cast<int>(bytes)), ignored);
}

bool is_tcp(Socket& socket) {
  int domain = AF_INET;
  socklen_t size = sizeof domain;
  ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain != AF_UNIX;
}

// Takes at most `count` bytes, as recv(2) does, and drops them.
ssize_t drop(Socket& socket, std::size_t count) {
  // tcp(7): with MSG_TRUNC the bytes are dropped and not copied.
  const ssize_t gone = sys::retry(
      [&] { return ::recv(socket.native_handle(), nullptr, count, MSG_TRUNC | MSG_DONTWAIT); });
  if (gone != -1 || errno != EFAULT) return gone;
  // The pair behind TLS (tls_end.h) is of Unix sockets, which do not know that.
  char nowhere[16 << 10];
  return sys::retry([&] {
    return ::recv(socket.native_handle(), nowhere, std::min(count, sizeof nowhere), MSG_DONTWAIT);
  });
}

// Unix sockets have no low-water mark: they are looked at again a little later.
Task<ErrorCode> wait_a_little(Socket* socket) {
  using namespace asio::experimental::awaitable_operators;
  constexpr std::chrono::milliseconds kLittle{5};
  Timer timer(socket->get_executor(), kLittle);
  // The error, so that Socket::cancel() ends it.
  auto first =
      co_await (socket->async_wait(Socket::wait_error, kAwait) || timer.async_wait(kAwait));
  if (first.index() == 0) co_return std::get<0>(std::get<0>(first));
  co_return ErrorCode();
}

}  // namespace

std::string_view Scratch::peek(Socket& socket, std::size_t limit, ErrorCode& error) {
  const std::size_t size = socket.receive(asio::buffer(bytes_->data(), std::min(limit, kSize)),
                                          asio::socket_base::message_peek, error);
  return {bytes_->data(), error ? 0 : size};
}

std::string_view Scratch::take(Socket& socket, std::size_t limit, ErrorCode& error) {
  const std::size_t size =
      socket.read_some(asio::buffer(bytes_->data(), std::min(limit, kSize)), error);
  return {bytes_->data(), error ? 0 : size};
}

void discard(Socket& socket, std::size_t count) {
  while (count > 0) {
    const ssize_t gone = drop(socket, count);
    if (gone <= 0) return;
    count -= static_cast<std::size_t>(gone);
  }
}

std::size_t send_some(Socket& socket, std::string_view bytes, ErrorCode& error) {
  const std::size_t sent = socket.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  if (error == asio::error::would_block) error.clear();
  return sent;
}

Task<ErrorCode> wait_for_more(Socket* socket, std::size_t have) {
  if (have > 0 && !is_tcp(*socket)) co_return co_await wait_a_little(socket);
  if (have > 0) set_low_water_mark(*socket, have + 1);
  auto [error] = co_await socket->async_wait(Socket::wait_read, kAwait);
  if (have > 0) set_low_water_mark(*socket, 1);
  co_return error;
}

bool has_ended(Socket& socket) {
  pollfd state{socket.native_handle(), POLLRDHUP, 0};
  return ::poll(&state, 1, 0) > 0;
}

Task<ErrorCode> send_all(Socket* socket, std::string text) {
  ErrorCode error;
  const std::size_t sent = send_some(*socket, text, error);  // nearly always all of it
  if (error || sent == text.size()) co_return error;
  auto [failed, rest] = co_await asio::async_write(*socket, asio::buffer(text) + sent, kAwait);
  co_return failed;
}

void prepare(Socket& socket) {
  ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Task<> linger(Socket* socket) {
  std::size_t limit = kMaxUnread;
  ErrorCode error;
  socket->shutdown(Socket::shutdown_send, error);
  while (!error && limit > 0) {
    std::tie(error) = co_await socket->async_wait(Socket::wait_read, kAwait);
    if (error) break;
    const ssize_t gone = drop(*socket, limit);
    if (gone == 0 || (gone < 0 && errno != EAGAIN)) break;
    limit -= static_cast<std::size_t>(std::max<ssize_t>(gone, 0));
  }
}

}  // namespace carrel::egress
