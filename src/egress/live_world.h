// A world for tests with real sockets, all on loopback: an engine in a process
// of its own, name servers, servers that say what a test wants, raw clients.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "egress/engine.h"

namespace carrel::egress::live {

// A connected stream; every read gives up after a few seconds.
class Stream {
 public:
  explicit Stream(UniqueFd fd);
  static Stream connect(std::uint16_t port);

  bool send(std::string_view bytes);
  // Up to and with `end`, or all that came before the peer ended or fell silent.
  std::string read_until(std::string_view end);
  std::string read_exactly(std::size_t count);
  std::string read_all();
  // What read_all() stopped at: true for an end in order, false for a reset or silence.
  [[nodiscard]] bool ended() const { return ended_; }
  void shutdown_send();
  void reset();  // closes with RST
  void close() { fd_.reset(); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  bool fill();

  UniqueFd fd_;
  std::string buffer_;
  bool ended_ = false;
};

struct Bound {
  UniqueFd fd;
  std::uint16_t port = 0;
};
Bound listen_on_loopback(int type);  // SOCK_STREAM (listening) or SOCK_DGRAM

// Accepts on loopback and runs `serve` for each client, one at a time.
class Server {
 public:
  explicit Server(std::function<void(Stream&)> serve);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const { return bound_.port; }
  [[nodiscard]] int accepted() const { return accepted_; }
  // Once the client that is being served has been: what `serve` wrote can be read.
  void finish();

 private:
  Bound bound_;
  std::function<void(Stream&)> serve_;
  std::atomic<int> accepted_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// A name server. A name with no addresses exists; one that is not set does not.
class NameServer {
 public:
  NameServer();
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  void set(const std::string& name, const std::vector<std::string>& addresses,
           std::uint32_t ttl = 60);
  void set_silent(const std::string& name);  // never answered
  [[nodiscard]] int asked(const std::string& name);
  [[nodiscard]] std::string address() const;  // as Config::nameservers takes it

 private:
  struct Entry {
    std::vector<policy::IpAddress> addresses;
    std::uint32_t ttl = 0;
    bool silent = false;
    int asked = 0;
  };
  std::string answer(std::string_view query);

  Bound bound_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// An engine with both listeners, until it is destroyed.
class RunningEngine {
 public:
  explicit RunningEngine(Config config);
  ~RunningEngine();
  RunningEngine(const RunningEngine&) = delete;
  RunningEngine& operator=(const RunningEngine&) = delete;

  [[nodiscard]] Stream http() const { return Stream::connect(http_port_); }
  [[nodiscard]] Stream socks() const { return Stream::connect(socks_port_); }
  [[nodiscard]] std::uint16_t http_port() const { return http_port_; }
  [[nodiscard]] std::uint16_t socks_port() const { return socks_port_; }
  [[nodiscard]] int pid() const { return pid_; }

  // Ends the engine as the end of the sandbox does; its exit status, -1 if it had to be killed.
  int end();
  // The lines written so far, once there are at least `count`.
  std::vector<std::string> audit(std::size_t count);

 private:
  std::uint16_t http_port_ = 0;
  std::uint16_t socks_port_ = 0;
  UniqueFd handout_;
  UniqueFd audit_;
  int pid_ = -1;
};

policy::NetworkPolicy rules(std::initializer_list<std::string> allow,
                            std::initializer_list<std::string> deny = {});
Config config_for(const NameServer& names, policy::NetworkPolicy policy);

struct Ran {
  int status = -1;
  std::string out;  // both streams
};
// A real program, found on the PATH; status 127 if there is none.
Ran run(const std::vector<std::string>& command);

}  // namespace carrel::egress::live
