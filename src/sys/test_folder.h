// For tests: a folder of their own that is gone when they end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"

namespace carrel::sys {

class TestFolder {
 public:
  TestFolder() {
    std::string name = std::filesystem::canonical("/tmp").string() + "/carrel-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    // What a test made unreadable is opened again first.
    (void)std::system(("chmod -R u+rwX '" + path_ + "' && rm -rf '" + path_ + "'").c_str());
  }

  // Absolute and real; "" is the folder itself.
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(std::string_view below) const {
    return below.empty() ? path_ : path_ + "/" + std::string(below);
  }

  // Each returns the absolute path. Missing parents are made.
  std::string dir(std::string_view below, unsigned mode = 0755) const {
    std::filesystem::create_directories(path(below));
    EXPECT_EQ(::chmod(path(below).c_str(), mode), 0) << below;
    return path(below);
  }
  std::string file(std::string_view below, std::string_view text = "x") const {
    make_parent(below);
    std::ofstream(path(below), std::ios::binary) << text;
    return path(below);
  }
  std::string link(std::string_view below, const std::string& target) const {
    make_parent(below);
    EXPECT_EQ(::symlink(target.c_str(), path(below).c_str()), 0) << below;
    return path(below);
  }
  std::string fifo(std::string_view below) const {
    make_parent(below);
    EXPECT_EQ(::mkfifo(path(below).c_str(), 0600), 0) << below;
    return path(below);
  }
  std::string socket(std::string_view below) const {
    make_parent(below);
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path(below).c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << below;
    return path(below);
  }
  [[nodiscard]] std::string text_of(std::string_view below) const {
    std::ifstream stream(path(below), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }

 private:
  void make_parent(std::string_view below) const {
    std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
  }

  std::string path_;
};

// While it lives, root is an ordinary user to the file system, so that modes refuse.
class AsOrdinaryUser {
 public:
  AsOrdinaryUser() : was_root_(::geteuid() == 0) {
    if (was_root_) EXPECT_EQ(::seteuid(65534), 0);
  }
  AsOrdinaryUser(const AsOrdinaryUser&) = delete;
  AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;
  ~AsOrdinaryUser() {
    if (was_root_) EXPECT_EQ(::seteuid(0), 0);
  }

 private:
  bool was_root_;
};

[[nodiscard]] inline bool has_control_characters(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

// An assertion that shows the text when a part is missing.
[[nodiscard]] inline testing::AssertionResult names(std::string_view text, std::string_view part) {
  if (text.find(part) != std::string_view::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

}  // namespace carrel::sys
