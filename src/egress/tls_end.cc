#include "egress/tls_end.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <tuple>

#include "base/unique_fd.h"
#include "egress/socket_io.h"

namespace carrel::egress {
namespace {

constexpr std::size_t kRecord = 16 << 10;  // RFC 8446 5.1
// How often a peer that takes nothing is looked at for whether anybody still waits.
constexpr std::chrono::seconds kLookAgain{10};

// The wire, OpenSSL and the near end of the pair. Held by both directions.
struct TlsStream {
  Socket wire;
  SslPtr ssl;
  Socket inner;
  std::shared_ptr<TlsFate> fate = std::make_shared<TlsFate>();
  bool received = false;  // all that the peer had to say
};
using Shared = std::shared_ptr<TlsStream>;

void close(TlsStream& stream) {
  ErrorCode ignored;
  stream.wire.close(ignored);
  stream.inner.close(ignored);
}

// Nobody holds the other end of the pair any more.
bool is_abandoned(Socket& inner) {
  pollfd state{inner.native_handle(), 0, 0};
  return !inner.is_open() || (::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0);
}

// For OpenSSL to go on; false where it cannot. A wait for the peer to take bytes
// ends when nobody is left who sent them.
Task<bool> wait_for(Shared stream, int what) {
  if (what == SSL_ERROR_WANT_READ) {
    auto [error] = co_await stream->wire.async_wait(Socket::wait_read, kAwait);
    co_return !error;
  }
  if (what != SSL_ERROR_WANT_WRITE) co_return false;
  using namespace asio::experimental::awaitable_operators;
  while (!is_abandoned(stream->inner)) {
    Timer timer(stream->wire.get_executor(), kLookAgain);
    auto first =
        co_await (stream->wire.async_wait(Socket::wait_write, kAwait) || timer.async_wait(kAwait));
    if (first.index() == 0) co_return !std::get<0>(std::get<0>(first));
  }
  co_return false;
}

// From the wire into the pair, until the peer has ended.
Task<> decrypt(Shared stream) {
  const auto record = std::make_shared<std::array<char, kRecord>>();
  while (stream->wire.is_open()) {
    ::ERR_clear_error();
    const int size = ::SSL_read(stream->ssl.get(), record->data(), kRecord);
    if (size > 0) {
      if (co_await send_all(&stream->inner,
                            std::string(record->data(), static_cast<std::size_t>(size)))) {
        break;  // nobody reads; what is still to be sent goes its own way
      }
      continue;
    }
    const int what = ::SSL_get_error(stream->ssl.get(), size);
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
      if (co_await wait_for(stream, what)) continue;
      break;
    }
    stream->fate->in_order = what == SSL_ERROR_ZERO_RETURN;
    break;
  }
  ErrorCode ignored;
  stream->received = true;
  stream->inner.shutdown(Socket::shutdown_send, ignored);
  stream->inner.cancel(ignored);  // encrypt() may have nothing else to wait for
}

// OpenSSL writes all of what is there, or waits.
Task<bool> encrypt_some(Shared stream, Scratch* scratch, ErrorCode* error) {
  const std::string_view bytes = scratch->peek(stream->inner, kRecord, *error);
  if (*error) co_return false;
  ::ERR_clear_error();
  // What OpenSSL did not take stays in the pair, and is shown to it again: the
  // same bytes, as it asks for.
  const int taken = ::SSL_write(stream->ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (taken > 0) {
    discard(stream->inner, static_cast<std::size_t>(taken));
    co_return true;
  }
  co_return co_await wait_for(stream, ::SSL_get_error(stream->ssl.get(), taken));
}

// From the pair onto the wire, until whoever holds the other end has ended.
Task<> encrypt(Shared stream, Scratch* scratch) {
  ErrorCode error;
  while (stream->inner.is_open()) {
    std::tie(error) = co_await stream->inner.async_wait(Socket::wait_read, kAwait);
    if (error == asio::error::operation_aborted) continue;
    if (error) break;
    if (co_await encrypt_some(stream, scratch, &error)) continue;
    if (error != asio::error::would_block) break;
  }
  ErrorCode ignored;
  if (error != asio::error::eof || stream->fate->break_off) {
    stream->wire.set_option(asio::socket_base::linger(true, 0), ignored);
    close(*stream);
    co_return;
  }
  ::ERR_clear_error();
  ::SSL_shutdown(stream->ssl.get());
  stream->wire.shutdown(Socket::shutdown_send, ignored);
  // An end of one direction leaves the other; who has gone hears nothing more.
  while (!stream->received && !is_abandoned(stream->inner)) {
    co_await stream->inner.async_wait(Socket::wait_error, kAwait);
  }
  close(*stream);
}

Task<> carry(Shared stream) {
  using namespace asio::experimental::awaitable_operators;
  // One buffer for each connection would be most of its memory; encrypt() looks
  // and hands on without waiting between, so one serves all.
  static Scratch scratch;
  co_await (decrypt(stream) && encrypt(stream, &scratch));
  close(*stream);
}

Task<std::string> shake_hands(Shared stream) {
  while (true) {
    ::ERR_clear_error();
    const int done = ::SSL_do_handshake(stream->ssl.get());
    if (done == 1) co_return std::string();
    const int what = ::SSL_get_error(stream->ssl.get(), done);
    if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
      co_return tls_failure(stream->ssl.get());
    }
    auto [error] = co_await stream->wire.async_wait(
        what == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write, kAwait);
    if (error) co_return std::string("TLS was not agreed upon in time");
  }
}

std::string protocol_of(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace

Task<std::variant<TlsEnd, std::string>> open_tls(Socket wire, SslPtr ssl,
                                                 Clock::duration patience) {
  using namespace asio::experimental::awaitable_operators;
  const Executor executor = wire.get_executor();
  const auto stream =
      std::make_shared<TlsStream>(TlsStream{std::move(wire), std::move(ssl), Socket(executor)});
  if (::SSL_set_fd(stream->ssl.get(), stream->wire.native_handle()) != 1) {
    co_return tls_failure(nullptr);
  }
  Timer timer(executor, patience);
  auto first = co_await (shake_hands(stream) || timer.async_wait(kAwait));
  if (first.index() != 0) co_return std::string("TLS was not agreed upon in time");
  std::string failure = std::get<0>(std::move(first));
  if (!failure.empty()) co_return failure;

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    co_return std::string("this machine is out of open files");
  }
  UniqueFd near(ends[0]);
  UniqueFd far(ends[1]);
  ErrorCode error;
  Socket plain(executor);
  // What they are not does not matter: every operation here is one of any stream.
  stream->inner.assign(asio::ip::tcp::v4(), near.get(), error);
  if (!error) static_cast<void>(near.release());
  if (!error) plain.assign(asio::ip::tcp::v4(), far.get(), error);
  if (error) co_return "the connection broke: " + error.message();
  static_cast<void>(far.release());
  prepare(stream->inner);
  prepare(plain);
  TlsEnd end{std::move(plain), stream->fate, protocol_of(stream->ssl.get())};
  asio::co_spawn(executor, carry(stream), asio::detached);
  co_return end;
}

}  // namespace carrel::egress
