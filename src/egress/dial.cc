#include "egress/dial.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <memory>

#include "egress/socket_io.h"

namespace carrel::egress {
namespace {

using policy::IpAddress;

constexpr std::chrono::milliseconds kAttemptDelay{250};  // RFC 8305 8

asio::ip::tcp::endpoint endpoint_of(const IpAddress& address, std::uint16_t port) {
  if (address.is_v4()) {
    asio::ip::address_v4::bytes_type bytes{};
    std::copy_n(address.bytes().begin(), bytes.size(), bytes.begin());
    return {asio::ip::address_v4(bytes), port};
  }
  asio::ip::address_v6::bytes_type bytes{};
  std::copy_n(address.bytes().begin(), bytes.size(), bytes.begin());
  return {asio::ip::address_v6(bytes), port};
}

// Asio goes on asking epoll(7) when a socket can be written, once it had to; each
// acknowledgement would wake us. A new registration asks for input alone.
void forget_write_interest(Socket& socket) {
  ErrorCode error;
  const auto local = socket.local_endpoint(error);
  if (error) return;
  Socket fresh(socket.get_executor());
  const int fd = socket.release(error);
  if (error) return;
  fresh.assign(local.protocol(), fd, error);
  if (error) {
    ::close(fd);
    return;
  }
  socket = std::move(fresh);
}

// Shared by the task and the attempts that outlive it.
struct Race {
  explicit Race(const Executor& executor) : wake(executor) {}

  std::vector<std::shared_ptr<Socket>> attempts;
  std::size_t pending = 0;
  Timer wake;
  Dialled result;
};

void attempt(const std::shared_ptr<Race>& race, const IpAddress& address, std::uint16_t port) {
  auto socket = std::make_shared<Socket>(race->wake.get_executor());
  race->attempts.push_back(socket);
  ++race->pending;
  socket->async_connect(endpoint_of(address, port), [race, socket, address](ErrorCode error) {
    --race->pending;
    if (race->result.socket) return;
    race->result.address = address;
    race->result.error = error;
    if (!error) race->result.socket = std::move(*socket);
    race->wake.cancel();
  });
}

}  // namespace

Task<Dialled> dial(std::vector<IpAddress> addresses, std::uint16_t port, Clock::duration patience) {
  const Executor executor = co_await asio::this_coro::executor;
  const auto race = std::make_shared<Race>(executor);
  const auto deadline = Clock::now() + patience;
  std::size_t next = 0;
  while (!race->result.socket && Clock::now() < deadline) {
    if (next < addresses.size()) {
      attempt(race, addresses[next++], port);
    } else if (race->pending == 0) {
      break;
    }
    const bool last = next == addresses.size();
    const std::size_t failed_before = next - race->pending;
    race->wake.expires_at(last ? deadline : std::min(deadline, Clock::now() + kAttemptDelay));
    while (!race->result.socket && next - race->pending == failed_before &&
           Clock::now() < race->wake.expiry()) {
      co_await race->wake.async_wait(kAwait);
    }
  }
  for (const auto& socket : race->attempts) {
    ErrorCode ignored;
    socket->close(ignored);
  }
  if (race->result.socket) {
    forget_write_interest(*race->result.socket);
    prepare(*race->result.socket);
  } else if (race->pending > 0 || Clock::now() >= deadline) {
    race->result.error = asio::error::timed_out;
  }
  Dialled result = std::move(race->result);
  race->result.socket.emplace(executor);  // whatever comes now comes too late
  co_return result;
}

}  // namespace carrel::egress
