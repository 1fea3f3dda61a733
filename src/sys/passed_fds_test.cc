#include "sys/passed_fds.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace carrel::sys {
namespace {

std::array<UniqueFd, 2> pair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

TEST(PassedFds, ArriveInTheirOrderAndCloseAtExec) {
  const auto [from, to] = pair();
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const std::array fds = {null.get(), zero.get()};
  ASSERT_TRUE(send_fds(from.get(), 'x', fds).ok());
  const auto passed = receive_fds(to.get());
  ASSERT_TRUE(passed.ok());
  EXPECT_EQ(passed.value().byte, 'x');
  EXPECT_FALSE(passed.value().ended);
  EXPECT_FALSE(passed.value().truncated);
  ASSERT_EQ(passed.value().fds.size(), 2u);
  char byte = 1;
  EXPECT_EQ(::read(passed.value().fds[0].get(), &byte, 1), 0) << "/dev/null";
  EXPECT_EQ(::read(passed.value().fds[1].get(), &byte, 1), 1) << "/dev/zero";
  for (const UniqueFd& fd : passed.value().fds) {
    EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST(PassedFds, TheEndOfTheOtherSideIsNoError) {
  auto [from, to] = pair();
  from.reset();
  const auto passed = receive_fds(to.get());
  ASSERT_TRUE(passed.ok());
  EXPECT_TRUE(passed.value().ended);
}

TEST(PassedFds, NoneAndTooManyAreRefused) {
  const auto [from, to] = pair();
  EXPECT_FALSE(send_fds(from.get(), 'x', {}).ok());
  const std::vector<int> many(kMaxPassedFds + 1, 0);
  EXPECT_FALSE(send_fds(from.get(), 'x', many).ok());
}

}  // namespace
}  // namespace carrel::sys
