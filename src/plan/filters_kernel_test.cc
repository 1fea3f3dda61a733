// The compiled filters in a real kernel. Each test loads them in a process of
// its own, as they cannot be taken off again; no privilege is needed for it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "plan/filters.h"
#include "plan/filters_expected.h"
#include "plan/filters_numbers.h"

namespace carrel::plan {
namespace {

using policy::UnixSockets;

bool load(const std::vector<Filter>& all) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  for (const Filter& filter : all) {
    sock_fprog program{static_cast<unsigned short>(filter.program.size()),
                       const_cast<sock_filter*>(filter.program.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return false;
  }
  return true;
}

// Emulators of a processor translate system calls and cannot filter them.
bool can_filter() {
  const std::uint32_t action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

#define SKIP_WITHOUT_SECCOMP() \
  if (!can_filter()) GTEST_SKIP() << "the kernel, or the emulator, has no seccomp filters"

// Runs `work` in a process under the filters. What it returns, line by line, is
// what is wrong; the status is as from waitpid(2).
struct Outcome {
  std::string complaints;
  int status = 0;
};

Outcome under_filters(UnixSockets unix_sockets, const std::function<std::string()>& work) {
  FilterSpec spec;
  spec.unix_sockets = unix_sockets;
  const std::vector<Filter> all = filters(spec).value();
  int ends[2] = {-1, -1};
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();  // so that vhangup would find nothing to hang up
    const std::string complaints = load(all) ? work() : "the filters could not be loaded\n";
    const ssize_t written = ::write(to.get(), complaints.data(), complaints.size());
    ::_exit(written == static_cast<ssize_t>(complaints.size()) ? 0 : 1);
  }
  EXPECT_GT(child, 0);
  to.reset();
  Outcome outcome;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(from.get(), buffer, sizeof buffer)) > 0;) {
    outcome.complaints.append(buffer, static_cast<std::size_t>(got));
  }
  EXPECT_EQ(::waitpid(child, &outcome.status, 0), child);
  return outcome;
}

std::string complaint(const std::string& what, long answer, int expected) {
  const int got = answer < 0 ? errno : 0;
  if (got == expected) return "";
  return what + ": " + std::strerror(got) + ", not " + std::strerror(expected) + "\n";
}

long called(const expected::Refused& row, std::uint64_t upper_half) {
  const auto argument = [&](std::size_t i) { return (row.arguments[i] & 0xffffffff) | upper_half; };
  return ::syscall(row.number, argument(0), argument(1), argument(2), argument(3), 0, 0);
}

bool is_refusal(int error) {
  return error == EPERM || error == ENOSYS || error == EACCES || error == EAFNOSUPPORT ||
         error == EPROTONOSUPPORT;
}

TEST(FiltersInKernel, RefuseWhatTheyAreExpectedTo) {
  SKIP_WITHOUT_SECCOMP();
  for (const UnixSockets unix_sockets : {UnixSockets::kNone, UnixSockets::kAll}) {
    const Outcome outcome = under_filters(unix_sockets, [&] {
      std::string wrong;
      for (const expected::Refused& row : expected::refused()) {
        if (unix_sockets == UnixSockets::kAll &&
            row.where == expected::Where::kSocketsWithoutUnix) {
          continue;
        }
        wrong += complaint(row.rule, called(row, 0), row.error);
        const long answer = called(row, 0xdeadbeef00000000);
        if (answer >= 0 || !is_refusal(errno)) wrong += complaint(row.rule, answer, row.error);
      }
      return wrong;
    });
    EXPECT_EQ(outcome.complaints, "");
    EXPECT_EQ(outcome.status, 0);
  }
}

TEST(FiltersInKernel, LetOrdinaryProgramsWork) {
  SKIP_WITHOUT_SECCOMP();
  char folder[] = "/tmp/carrel-filters-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string file = std::string(folder) + "/file";
  const Outcome outcome = under_filters(UnixSockets::kNone, [&] {
    std::string wrong;
    wrong += complaint("create", ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644), 0);
    wrong += complaint("chmod", ::chmod(file.c_str(), 01755), 0);
    wrong += complaint("chmod u+s", ::chmod(file.c_str(), 04755), EPERM);
    wrong += complaint("mkdir", ::mkdir((file + ".d").c_str(), 0755), 0);
    int pair[2];
    wrong += complaint("pair", ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    wrong += complaint("tcp", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
    ifaddrs* interfaces = nullptr;
    wrong += complaint("interfaces", ::getifaddrs(&interfaces), 0);
    ::freeifaddrs(interfaces);

    // glibc tries clone3 first.
    pthread_t thread{};
    errno = ::pthread_create(&thread, nullptr, [](void* p) { return p; }, nullptr);
    wrong += complaint("thread", errno == 0 ? ::pthread_join(thread, nullptr) : -1, 0);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    wrong += complaint("fork", child, 0);
    wrong += complaint("wait", ::waitpid(child, nullptr, 0), 0);
    return wrong;
  });
  EXPECT_EQ(outcome.complaints, "");
  EXPECT_EQ(outcome.status, 0);
  ::rmdir((file + ".d").c_str());
  ::unlink(file.c_str());
  ::rmdir(folder);
}

// Why a pair of datagram sockets counts as a Unix socket.
TEST(FiltersInKernel, CloseTheWayToASocketByPathThroughADatagramPair) {
  SKIP_WITHOUT_SECCOMP();
  char folder[] = "/tmp/carrel-filters-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/service", folder);
  const auto* const where = reinterpret_cast<const sockaddr*>(&address);
  const UniqueFd service(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(service.get(), where, sizeof address), 0);

  const auto reach = [&] {
    for (const int type : {SOCK_DGRAM, SOCK_RAW}) {
      int pair[2];
      if (::socketpair(AF_UNIX, type, 0, pair) != 0) continue;
      if (::sendto(pair[0], "x", 1, 0, where, sizeof address) == 1) return true;
    }
    return false;
  };
  const auto reached_under = [&](UnixSockets unix_sockets) {
    const Outcome outcome =
        under_filters(unix_sockets, [&] { return std::string(reach() ? "reached" : ""); });
    return outcome.complaints == "reached";
  };
  EXPECT_TRUE(reached_under(UnixSockets::kAll));
  EXPECT_FALSE(reached_under(UnixSockets::kNone));
  ::unlink(address.sun_path);
  ::rmdir(folder);
}

#ifdef __x86_64__

bool is_killed(const std::function<std::string()>& work) {
  const Outcome outcome = under_filters(UnixSockets::kNone, work);
  EXPECT_EQ(outcome.complaints, "");
  return WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGSYS;
}

TEST(FiltersInKernel, KillWhoeverCallsAsA32BitProgram) {
  SKIP_WITHOUT_SECCOMP();
  EXPECT_TRUE(is_killed([] {
    long number = 20;  // getpid of i386
    asm volatile("int $0x80" : "+a"(number) : : "memory");
    return std::string("int 0x80 came back\n");
  }));
}

TEST(FiltersInKernel, KillWhoeverCallsAsAnX32Program) {
  SKIP_WITHOUT_SECCOMP();
  EXPECT_TRUE(is_killed([] {
    (void)::syscall(0x40000000 | SYS_getpid);
    return std::string("the x32 call came back\n");
  }));
}

#endif

}  // namespace
}  // namespace carrel::plan
