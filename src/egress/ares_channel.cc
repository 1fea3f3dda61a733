#include "egress/ares_channel.h"

#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstring>

namespace carrel::egress {
namespace {

constexpr int kTryMs = 2000;  // doubled at each try
constexpr int kTries = 3;

policy::IpAddress address_of(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> bytes{};
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return policy::IpAddress::v4(bytes);
  }
  std::array<std::uint8_t, 16> bytes{};
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return policy::IpAddress::v6(bytes);
}

FamilyAnswer answer_of(int status, const ares_addrinfo* result) {
  FamilyAnswer answer;
  answer.status = status;
  if (status != ARES_SUCCESS || result == nullptr) return answer;
  int ttl = INT32_MAX;
  for (const auto* cname = result->cnames; cname != nullptr; cname = cname->next) {
    ttl = std::min(ttl, cname->ttl);
  }
  for (const auto* node = result->nodes; node != nullptr; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    answer.addresses.push_back(address_of(*node->ai_addr));
    ttl = std::min(ttl, node->ai_ttl);
  }
  answer.ttl = std::chrono::seconds(std::max(ttl, 0));
  return answer;
}

}  // namespace

struct AresChannel::Ask {
  AresChannel* channel;
  Callback callback;
};

// The descriptor is c-ares' own: it is released here, never closed.
struct AresChannel::Watched {
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

  Watched(const Executor& executor, ares_socket_t fd) : descriptor(executor, fd) {}
  ~Watched() { descriptor.release(); }

  Descriptor descriptor;
  bool want_read = false;
  bool want_write = false;
  bool waits_read = false;
  bool waits_write = false;
};

Result<std::unique_ptr<AresChannel>> AresChannel::make(const Executor& executor, Search search,
                                                       const std::string& nameservers) {
  std::unique_ptr<AresChannel> made(new AresChannel(executor));
  ares_options options{};
  // No names from the file that HOSTALIASES points to.
  options.flags = ARES_FLAG_NOALIASES;
  options.timeout = kTryMs;
  options.tries = kTries;
  options.sock_state_cb = &AresChannel::on_state;
  options.sock_state_cb_data = made.get();
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (search == Search::kAbsolute) mask |= ARES_OPT_DOMAINS;  // of which there are none
  int status = ::ares_init_options(&made->channel_, &options, mask);
  if (status == ARES_SUCCESS && !nameservers.empty()) {
    status = ::ares_set_servers_ports_csv(made->channel_, nameservers.c_str());
  }
  if (status != ARES_SUCCESS) {
    return Error{Errc::kSystem, std::string("cannot set up name lookup: ") + ares_strerror(status)};
  }
  return made;
}

AresChannel::~AresChannel() {
  if (channel_ != nullptr) ::ares_destroy(channel_);
  *alive_ = false;
}

void AresChannel::ask(const policy::HostName& name, Family family, Callback callback) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family == Family::kV4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ++asked_;
  auto ask = std::make_unique<Ask>(Ask{this, std::move(callback)});
  ::ares_getaddrinfo(channel_, name.text().c_str(), nullptr, &hints, &AresChannel::on_answer,
                     ask.release());
  start_timer();
}

void AresChannel::on_answer(void* raw, int status, int /*timeouts*/, ares_addrinfo* result) {
  const std::unique_ptr<Ask> ask(static_cast<Ask*>(raw));
  FamilyAnswer answer = answer_of(status, result);
  if (result != nullptr) ::ares_freeaddrinfo(result);
  if (--ask->channel->asked_ == 0) ask->channel->timer_.cancel();
  ask->callback(std::move(answer));
}

void AresChannel::on_state(void* self, ares_socket_t fd, int readable, int writable) {
  static_cast<AresChannel*>(self)->watch(fd, readable != 0, writable != 0);
}

void AresChannel::watch(ares_socket_t fd, bool readable, bool writable) {
  if (!readable && !writable) {
    if (const auto found = watched_.find(fd); found != watched_.end()) {
      found->second->descriptor.release();  // c-ares closes it next
      watched_.erase(found);
    }
    return;
  }
  auto& watched = watched_[fd];
  if (!watched) watched = std::make_shared<Watched>(executor_, fd);
  watched->want_read = readable;
  watched->want_write = writable;
  if (readable) wait_for(watched, false);
  if (writable) wait_for(watched, true);
}

void AresChannel::wait_for(const std::shared_ptr<Watched>& watched, bool write) {
  bool& waits = write ? watched->waits_write : watched->waits_read;
  if (waits) return;
  waits = true;
  const auto kind = write ? Watched::Descriptor::wait_write : Watched::Descriptor::wait_read;
  watched->descriptor.async_wait(kind, [this, alive = alive_, watched, write](ErrorCode error) {
    (write ? watched->waits_write : watched->waits_read) = false;
    if (error || !*alive || !watched->descriptor.is_open()) return;
    const ares_socket_t fd = watched->descriptor.native_handle();
    ::ares_process_fd(channel_, write ? ARES_SOCKET_BAD : fd, write ? fd : ARES_SOCKET_BAD);
    const bool wanted = write ? watched->want_write : watched->want_read;
    if (wanted && watched->descriptor.is_open()) wait_for(watched, write);
  });
}

void AresChannel::start_timer() {
  if (timer_runs_ || asked_ == 0) return;
  timer_runs_ = true;
  timeval longest{1, 0};
  timeval left{};
  const timeval* next = ::ares_timeout(channel_, &longest, &left);
  timer_.expires_after(std::chrono::seconds(next->tv_sec) +
                       std::chrono::microseconds(next->tv_usec) + std::chrono::milliseconds(1));
  timer_.async_wait([this, alive = alive_](ErrorCode) {
    if (!*alive) return;
    timer_runs_ = false;
    ::ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    start_timer();
  });
}

}  // namespace carrel::egress
