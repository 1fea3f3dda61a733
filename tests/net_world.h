// Two machines joined by a wire, for tests of the network: here, where carrel runs,
// and there, where servers listen. Names lead where this world's /etc/hosts says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "process.h"
#include "world.h"

namespace carrel::tests {

class NetWorld {
 public:
  // Addresses there: one of the internet, and some that no name may lead to.
  static constexpr char kPublic[] = "93.184.215.14";
  static constexpr char kPrivate[] = "10.9.9.9";
  static constexpr char kMetadata[] = "169.254.169.254";
  // This machine's own.
  static constexpr char kOwn[] = "93.184.215.1";

  explicit NetWorld(World& world);
  ~NetWorld();
  NetWorld(const NetWorld&) = delete;
  NetWorld& operator=(const NetWorld&) = delete;

  // "" if this machine can have such a world, else what it lacks.
  [[nodiscard]] const std::string& lacking() const { return lacking_; }

  // `invocation`, run here or there.
  [[nodiscard]] Invocation here(Invocation invocation) const;
  [[nodiscard]] Invocation there(Invocation invocation) const;

  // nginx there, on ports 80 and 443 of every address; its files are those below
  // site(), its certificate (for web.test) is certificate().
  void serve_web();
  [[nodiscard]] std::string site() const { return world_.root() + "/site"; }
  [[nodiscard]] std::string certificate() const { return world_.root() + "/tls/certificate"; }

  // An ssh server there, on port 22. Whoever has key() is let in as user_name().
  void serve_ssh();
  [[nodiscard]] std::string key() const { return world_.root() + "/work/key"; }
  [[nodiscard]] std::string user_name() const;

  // A script of Python there, once it listens on `port`.
  void serve_python(const std::string& script, int port);

 private:
  void start(Invocation invocation, int port);

  World& world_;
  std::string lacking_;
  pid_t holder_ = -1;  // lives here
  pid_t other_ = -1;   // lives there
  std::vector<UniqueFd> here_;
  std::vector<UniqueFd> there_;
  std::vector<std::unique_ptr<Process>> servers_;
};

}  // namespace carrel::tests
