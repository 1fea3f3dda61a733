// The piece of a machine that one test gets: a work folder, a home with
// credentials, a folder that no sandbox was given, and carrel itself, all owned by
// whoever runs it, so that it is the sandbox that refuses and not file modes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "process.h"

namespace carrel::tests {

// What every fake credential holds.
inline constexpr std::string_view kSecret = "carrel-test-secret-5f2c";

class World {
 public:
  explicit World(Who who);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  [[nodiscard]] Who who() const { return who_; }
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string work() const { return root_ + "/work"; }        // the working directory
  [[nodiscard]] std::string home() const { return root_ + "/home"; }        // HOME
  [[nodiscard]] std::string outside() const { return root_ + "/outside"; }  // granted to nobody
  [[nodiscard]] const std::string& carrel() const { return carrel_; }

  // A program of tests/hostile, copied to where everybody can run it.
  [[nodiscard]] std::string hostile(std::string_view name);

  // Paths relative to root(). Missing parents are made.
  std::string make_dir(const std::string& path);
  std::string make_file(const std::string& path, std::string_view text, unsigned mode = 0644);
  std::string make_link(const std::string& path, const std::string& target);

  // Runs `arguments` with carrel in front of them, in work().
  [[nodiscard]] Invocation carrel(std::vector<std::string> arguments) const;
  // The same for a program outside of any sandbox: the witness.
  [[nodiscard]] Invocation plain(std::vector<std::string> argv) const;

  // One line for every file below root(): type, mode, owner, size, inode, links
  // and target, but no times.
  [[nodiscard]] std::string listing() const;

 private:
  void own(const std::string& path) const;
  std::string install(const std::string& from);

  Who who_;
  std::string root_;
  std::string carrel_;
};

// The environment of every run: a user's, with secrets in it.
[[nodiscard]] std::map<std::string, std::string> user_environment(const World& world);

}  // namespace carrel::tests
