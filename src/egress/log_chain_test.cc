#include "egress/log_chain.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <vector>

namespace carrel::egress {
namespace {

UniqueFd again(const UniqueFd& file) {
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  return UniqueFd(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
}

std::vector<std::string> lines_of(const UniqueFd& file) {
  std::string text(1 << 20, '\0');
  text.resize(static_cast<std::size_t>(::pread(file.get(), text.data(), text.size(), 0)));
  std::vector<std::string> lines;
  for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    lines.push_back(text.substr(0, end));
  }
  if (!text.empty()) lines.push_back(text);
  return lines;
}

// The number of the first line that does not follow; 0 if all do.
std::size_t broken_at(const std::vector<std::string>& lines) {
  ChainVerifier verifier;
  for (const std::string& line : lines) {
    if (!verifier.take(line).ok()) return verifier.lines();
  }
  return 0;
}

class LogChain : public testing::Test {
 protected:
  const UniqueFd file_{::memfd_create("log", MFD_CLOEXEC)};
  LogFile log_{again(file_)};
};

// FIPS 180-2, appendix B.1.
TEST(ChainAfter, IsSha256) {
  constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(chain_after("", "abc"), kAbc);
  EXPECT_EQ(chain_after("ab", "c"), kAbc);
}

TEST_F(LogChain, HoldsAsItWasWritten) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(log_.append("{\"n\":" + std::to_string(i) + "}"));
  const auto lines = lines_of(file_);
  ASSERT_EQ(lines.size(), 20u);
  EXPECT_EQ(broken_at(lines), 0u);
  EXPECT_EQ(split_chain(lines[3])->text, "{\"n\":3}");
}

TEST_F(LogChain, ShowsEveryChange) {
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(log_.append("{\"n\":" + std::to_string(i) + "}"));
  const auto lines = lines_of(file_);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t byte = 0; byte < lines[i].size(); ++byte) {
      auto changed = lines;
      changed[i][byte] ^= 1;
      EXPECT_EQ(broken_at(changed), i + 1) << byte;
    }
    auto shorter = lines;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(broken_at(shorter), i + 1 == lines.size() ? 0 : i + 1);
    auto longer = lines;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    EXPECT_NE(broken_at(longer), 0u);
    auto swapped = lines;
    if (i > 0) {
      std::swap(swapped[i - 1], swapped[i]);
      EXPECT_EQ(broken_at(swapped), i);
    }
  }
}

TEST_F(LogChain, IsOneOfAllWhoWrite) {
  for (int writer = 0; writer < 4; ++writer) {
    if (::fork() != 0) continue;
    LogFile own(again(file_));
    int written = 0;
    for (int i = 0; i < 100; ++i)
      written += own.append("{\"n\":" + std::to_string(i) + "}") ? 1 : 0;
    ::_exit(written == 100 ? 0 : 1);
  }
  for (int writer = 0; writer < 4; ++writer) {
    int status = -1;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
  const auto lines = lines_of(file_);
  EXPECT_EQ(lines.size(), 400u);
  EXPECT_EQ(broken_at(lines), 0u);
}

TEST_F(LogChain, GoesOnAfterAWriteThatBrokeOff) {
  ASSERT_TRUE(log_.append("{\"n\":1}"));
  ASSERT_EQ(::write(again(file_).get(), "{\"n\":", 5), 5);
  ASSERT_TRUE(log_.append("{\"n\":2}"));
  auto lines = lines_of(file_);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(broken_at(lines), 2u);
  lines.erase(lines.begin() + 1);
  EXPECT_EQ(broken_at(lines), 0u);
}

TEST_F(LogChain, CostsLinesWhereSomebodyHoldsTheFile) {
  const UniqueFd other = again(file_);
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  EXPECT_FALSE(log_.append("{\"n\":1}"));
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_TRUE(log_.append("{\"n\":2}"));
}

}  // namespace
}  // namespace carrel::egress
