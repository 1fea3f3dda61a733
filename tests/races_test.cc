// Somebody outside swaps names for symbolic links while carrel starts, again and
// again: what the links lead to is never written, and nothing is made there.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "fixture.h"

namespace carrel::tests {
namespace {

constexpr int kStarts = 500;

// Exchanges two names as fast as it can until it is destroyed.
class Swapper {
 public:
  Swapper(const std::string& one, const std::string& other) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (long i = 0; i < 50'000'000; ++i) {  // far more than it gets to
      ::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
    }
    ::_exit(0);
  }
  Swapper(const Swapper&) = delete;
  Swapper& operator=(const Swapper&) = delete;
  ~Swapper() {
    ::kill(pid_, SIGKILL);  // our child, not yet reaped
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

class Races : public Sandboxed {
 protected:
  // Starts the script again and again; it must work or be refused. Returns how often it ran.
  int start_often(const std::string& script, const std::vector<std::string>& options) {
    int ran = 0;
    for (int i = 0; i < kStarts; ++i) {
      const Ended ended = sealed_script(script, options);
      EXPECT_TRUE(ended.status == 0 || ended.status == 125) << describe(ended);
      if (HasFailure()) break;
      ran += ended.status == 0 ? 1 : 0;
    }
    std::printf("ran %d times, refused %d times\n", ran, kStarts - ran);
    return ran;
  }
  std::string listing_of(const std::string& folder) {
    return run(world().plain({"/usr/bin/find", folder, "-printf", "%p %y %m %s %i\n"})).out;
  }
};
CARREL_AS_ROOT_AND_USER(Races);

TEST_P(Races, WritableFolderSwappedForALinkIsNeverFollowed) {
  world().make_dir("outside/place/a");
  world().make_file("outside/victim/precious", "precious\n");
  world().make_link("outside/place/b", "../victim");
  const std::string before = listing_of(world().outside() + "/victim");
  {
    const Swapper swapper(world().outside() + "/place/a", world().outside() + "/place/b");
    start_often("echo x > '" + world().outside() + "/place/a/new' 2>/dev/null; rm -f '" +
                    world().outside() + "/place/a/precious' 2>/dev/null; true",
                {"--write", world().outside() + "/place/a"});
  }
  EXPECT_EQ(listing_of(world().outside() + "/victim"), before);
}

TEST_P(Races, ParentSwappedForALinkLeadsNowhereElse) {
  world().make_dir("outside/place/a/deep");
  world().make_dir("outside/victim/deep");
  world().make_file("outside/victim/deep/precious", "precious\n");
  world().make_link("outside/place/b", "../victim");
  const std::string before = listing_of(world().outside() + "/victim");
  {
    const Swapper swapper(world().outside() + "/place/a", world().outside() + "/place/b");
    start_often(
        "cd '" + world().outside() +
            "/place/a/deep' 2>/dev/null && { echo x > new; rm -f precious; } 2>/dev/null; true",
        {"--write", world().outside() + "/place/a/deep"});
  }
  EXPECT_EQ(listing_of(world().outside() + "/victim"), before);
}

TEST_P(Races, ParentOfAMountPointSwappedForALinkMakesNothingThere) {
  world().make_file("work/a/.git/hooks/pre-commit", "original\n");
  world().make_file("work/a/.env", "x");
  world().make_file("outside/victim/precious", "precious\n");
  world().make_link("work/b", world().outside() + "/victim");
  const std::string before = listing_of(world().outside() + "/victim");
  {
    const Swapper swapper(world().work() + "/a", world().work() + "/b");
    start_often(
        "for d in a b; do echo evil > $d/new; mkdir -p $d/.git/hooks; done 2>/dev/null; "
        "cat '" +
            world().outside() + "/victim/precious' > /dev/null",
        {"--hide", world().work() + "/a/.env", "--protect", world().work() + "/a/.git"});
  }
  EXPECT_EQ(listing_of(world().outside() + "/victim"), before);
}

TEST_P(Races, WorkingDirectorySwappedForALinkIsNeverFollowed) {
  world().make_dir("outside/place/a");
  world().make_file("outside/victim/precious", "precious\n");
  world().make_link("outside/place/b", "../victim");
  const std::string before = listing_of(world().outside() + "/victim");
  {
    const Swapper swapper(world().outside() + "/place/a", world().outside() + "/place/b");
    for (int i = 0; i < kStarts / 5; ++i) {
      const Ended ended = run(world().plain(
          {"/bin/bash", "-c",
           "cd '" + world().outside() +
               "/place/a' || exit 125; case $(/bin/pwd -P) in */victim) exit 125;; esac; '" +
               world().carrel() +
               "' run -- bash -c 'echo x > new; rm -f precious; true' 2>/dev/null"}));
      EXPECT_TRUE(ended.status == 0 || ended.status == 125) << describe(ended);
      if (HasFailure()) break;
    }
  }
  EXPECT_EQ(listing_of(world().outside() + "/victim"), before);
}

}  // namespace
}  // namespace carrel::tests
