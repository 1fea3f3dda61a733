// The same attacks in bubblewrap with its usual options: they show that the attacks
// are real ones, and that carrel refuses what a peer lets through.
#include <unistd.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Peers : public Sandboxed {
 protected:
  void SetUp() override {
    Sandboxed::SetUp();
    if (IsSkipped()) return;
    if (::access("/usr/bin/bwrap", X_OK) != 0) GTEST_SKIP() << "bubblewrap is not installed";
  }

  Ended in_bubblewrap(std::vector<std::string> command) {
    std::vector<std::string> argv{"/usr/bin/bwrap",
                                  "--unshare-all",
                                  "--die-with-parent",
                                  "--ro-bind",
                                  "/",
                                  "/",
                                  "--dev",
                                  "/dev",
                                  "--proc",
                                  "/proc",
                                  "--tmpfs",
                                  "/tmp",
                                  "--bind",
                                  world().work(),
                                  world().work()};
    argv.insert(argv.end(), command.begin(), command.end());
    return run(world().plain(argv));
  }
};
CARREL_AS_ROOT_AND_USER(Peers);

TEST_P(Peers, NestedNamespacesAreOpenThereAndClosedHere) {
  const std::string program = world().hostile("namespaces");
  const Ended peer = in_bubblewrap({program, "unshare-user", "clone3-user"});
  EXPECT_TRUE(contains(peer.out, "ESCAPED unshare-user")) << describe(peer);
  EXPECT_TRUE(contains(peer.out, "ESCAPED clone3-user")) << describe(peer);
  EXPECT_TRUE(exited(sealed({program}), 0));
}

TEST_P(Peers, KeyringsAndSetuidBitsAreOpenThereAndClosedHere) {
  const std::string keys = world().hostile("kernel_interfaces");
  const std::string bits = world().hostile("setuid_bits");
  EXPECT_TRUE(contains(in_bubblewrap({keys, "add-key"}).out, "ESCAPED add-key"));
  EXPECT_TRUE(contains(in_bubblewrap({bits, "fchmod-setuid"}).out, "ESCAPED fchmod-setuid"));
  EXPECT_TRUE(exited(sealed({keys, "add-key"}), 0));
  EXPECT_TRUE(exited(sealed({bits, "fchmod-setuid"}), 0));
}

// Ordinary work must give the same answers in both.
TEST_P(Peers, OrdinaryCommandsSayTheSame) {
  for (const char* script :
       {"id -u", "pwd", "echo $((6*7)); false", "ls -A", "cat /etc/os-release | head -n 1",
        "printf '%s\\n' a b c | sort -r", "umask", "cd /usr && ls -d bin lib", "nproc",
        "test -w /etc; echo $?", "kill -9 $$"}) {
    const Ended peer = in_bubblewrap({"/bin/bash", "-c", script});
    const Ended ours = sealed_script(script);
    EXPECT_EQ(ours.out, peer.out) << script;
    EXPECT_EQ(ours.status, peer.status) << script;
  }
}

}  // namespace
}  // namespace carrel::tests
