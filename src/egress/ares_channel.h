// c-ares in an event loop: asks DNS and /etc/hosts as resolv.conf says. glibc's
// own resolver loads libraries at run time, which a static program cannot.
#pragma once

#include <ares.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "egress/asio.h"
#include "policy/hosts.h"

namespace carrel::egress {

enum class Search : std::uint8_t {
  kAbsolute,  // the name as it is
  kDomains,   // with the search domains of resolv.conf too
};

enum class Family : std::uint8_t { kV4, kV6 };

struct FamilyAnswer {
  std::vector<policy::IpAddress> addresses;
  std::chrono::seconds ttl{0};
  int status = ARES_SUCCESS;  // ARES_ENOTFOUND and ARES_ENODATA: there is none
};

class AresChannel {
 public:
  using Callback = std::function<void(FamilyAnswer)>;

  // `nameservers`: "192.0.2.1:53,[2001:db8::1]:53", or "" for those of resolv.conf.
  [[nodiscard]] static Result<std::unique_ptr<AresChannel>> make(const Executor& executor,
                                                                 Search search,
                                                                 const std::string& nameservers);
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  // `callback` is called once, perhaps before this returns, and with
  // ARES_EDESTRUCTION if the channel ends first.
  void ask(const policy::HostName& name, Family family, Callback callback);

  [[nodiscard]] bool is_idle() const { return asked_ == 0; }

 private:
  struct Ask;
  struct Watched;

  explicit AresChannel(const Executor& executor) : executor_(executor), timer_(executor) {}
  static void on_state(void* self, ares_socket_t fd, int readable, int writable);
  static void on_answer(void* ask, int status, int timeouts, ares_addrinfo* result);
  void watch(ares_socket_t fd, bool readable, bool writable);
  void wait_for(const std::shared_ptr<Watched>& watched, bool write);
  void start_timer();

  Executor executor_;
  Timer timer_;
  bool timer_runs_ = false;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watched>> watched_;
  int asked_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace carrel::egress
