// Standard input, output and error pass through unharmed, whatever they are.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class Streams : public Sandboxed {};
CARREL_AS_ROOT_AND_USER(Streams);

TEST_P(Streams, InputReachesTheCommandWholeAndInOrder) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += std::to_string(i) + "\n";
  Invocation invocation = sealed_invocation({"/bin/cat"});
  invocation.input = text;
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_TRUE(ended.out == text) << ended.out.size() << " of " << text.size() << " bytes came back";
}

TEST_P(Streams, OutputAndErrorStayApart) {
  const Ended ended = sealed_script("echo to-out; echo to-err >&2");
  EXPECT_EQ(ended.out, "to-out\n");
  EXPECT_EQ(ended.err, "to-err\n");
}

TEST_P(Streams, AHundredMegabytesArriveIntact) {
  const Ended ended =
      run(world().plain({"/bin/bash", "-c",
                         "'" + world().carrel() +
                             "' run -- sh -c 'yes 0123456789abcde | head -c 100000000' | cksum; "
                             "yes 0123456789abcde | head -c 100000000 | cksum"}));
  EXPECT_TRUE(exited(ended, 0));
  const std::size_t half = ended.out.find('\n') + 1;
  EXPECT_EQ(ended.out.substr(0, half), ended.out.substr(half));
  EXPECT_TRUE(contains(ended.out, " 100000000\n")) << ended.out;
}

TEST_P(Streams, AReaderThatGoesAwayEndsTheCommandAsInAShell) {
  const Ended ended = run(
      world().plain({"/bin/bash", "-c",
                     "'" + world().carrel() + "' run -- yes | head -n 1; echo ${PIPESTATUS[0]}"}));
  EXPECT_EQ(ended.out, "y\n141\n") << describe(ended);
}

// The number 1 must not come to mean some other file.
TEST_P(Streams, ClosedOutputStaysHarmless) {
  Invocation invocation =
      sealed_invocation({"/bin/bash", "-c", "readlink /proc/self/fd/1 >&2; echo x; exit 3"});
  invocation.stdout_state = Invocation::Stdout::kClosed;
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 3));
  EXPECT_EQ(ended.out, "");
}

TEST_P(Streams, AFullDeviceIsAnErrorOfTheCommand) {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  Invocation invocation = sealed_invocation({"/bin/echo", "x"});
  invocation.stdout_fd = full.get();
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 1));
  EXPECT_TRUE(contains(ended.err, "No space left")) << describe(ended);
}

TEST_P(Streams, AFileOutsideThatIsOutputCanBeWritten) {
  const std::string path = world().make_file("outside/log", "");
  const UniqueFd log(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  Invocation invocation = sealed_invocation({"/bin/echo", "logged"});
  invocation.stdout_fd = log.get();
  EXPECT_TRUE(exited(run(invocation), 0));
  EXPECT_EQ(read_file(path), "logged\n");
}

TEST_P(Streams, ASocketAsInputAndOutputWorks) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  ASSERT_EQ(::write(ours.get(), "ping\n", 5), 5);
  ::shutdown(ours.get(), SHUT_WR);
  Invocation invocation = sealed_invocation({"/bin/cat"});
  invocation.stdin_fd = theirs.get();
  invocation.stdout_fd = theirs.get();
  EXPECT_TRUE(exited(run(invocation), 0));
  char answer[8] = {};
  EXPECT_EQ(::read(ours.get(), answer, sizeof answer), 5);
  EXPECT_STREQ(answer, "ping\n");
}

// A folder behind a standard stream is a door: openat(0, "../..") would leave.
TEST_P(Streams, AFolderAsAnyOfTheThreeIsRefused) {
  for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY}) {
    const UniqueFd folder(::open("/", flags | O_CLOEXEC));
    ASSERT_TRUE(folder.valid());
    Invocation invocation = sealed_invocation({"/bin/sh", "-c", "echo ran >&2"});
    invocation.stdin_fd = folder.get();
    EXPECT_TRUE(refused(run(invocation), "standard input"));
    invocation.stdin_fd = -1;
    invocation.stdout_fd = folder.get();
    EXPECT_TRUE(refused(run(invocation), "standard output"));
    invocation.stdout_fd = -1;
    invocation.stderr_fd = folder.get();
    EXPECT_TRUE(exited(run(invocation), 125));
  }
}

TEST_P(Streams, ADescriptorThatIsOnlyAPathIsRefused) {
  const UniqueFd path(::open((world().outside() + "/file.txt").c_str(), O_PATH | O_CLOEXEC));
  Invocation invocation = sealed_invocation({"/bin/true"});
  invocation.stdin_fd = path.get();
  EXPECT_TRUE(exited(run(invocation), 125));
}

TEST_P(Streams, AFolderAsAKeptDescriptorIsRefused) {
  const UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Invocation invocation = sealed_invocation({"/bin/true"}, {"--keep-fd", "9"});
  invocation.fds = {{folder.get(), 9}};
  EXPECT_TRUE(refused(run(invocation), "9"));
}

TEST_P(Streams, AnInputThatWasOpenedForReadingCannotBeOpenedForWriting) {
  const std::string path = world().make_file("outside/input", "original\n");
  const UniqueFd input(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  Invocation invocation = sealed_invocation(
      {"/bin/bash", "-c", "echo changed > /proc/self/fd/0 || echo changed > /dev/stdin"});
  invocation.stdin_fd = input.get();
  Ended ended = run(invocation);
  EXPECT_FALSE(exited(ended, 0));
  EXPECT_EQ(read_file(path), "original\n");
}

TEST_P(Streams, DevStdoutAndStderrWork) {
  const Ended ended = sealed_script("echo a > /dev/stdout; echo b > /dev/stderr; cat /dev/stdin");
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "a\n");
  EXPECT_EQ(ended.err, "b\n");
}

}  // namespace
}  // namespace carrel::tests
