// What goes into a command and what comes back: arguments, exit status, folder,
// environment, descriptors.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

namespace carrel::tests {
namespace {

class CommandLine : public Sandboxed {};
CARREL_AS_ROOT_AND_USER(CommandLine);

TEST_P(CommandLine, GivesTheExitStatusOfTheCommand) {
  EXPECT_TRUE(exited(sealed_script("exit 7"), 7));
  EXPECT_TRUE(exited(sealed({"/bin/true"}), 0));
  EXPECT_TRUE(exited(sealed_script("exit 255"), 255));
}

TEST_P(CommandLine, GivesTheCommandsOwn125And124AsTheyAre) {
  const Ended ended = sealed_script("exit 125");
  EXPECT_TRUE(exited(ended, 125));
  EXPECT_EQ(ended.err, "");  // only carrel's own failures come with a message of carrel
  EXPECT_TRUE(exited(sealed_script("exit 124"), 124));
}

TEST_P(CommandLine, SaysWhichSignalEndedTheCommandAs128PlusItsNumber) {
  EXPECT_TRUE(exited(sealed_script("kill -KILL $$"), 137));
  EXPECT_TRUE(exited(sealed_script("kill -SEGV $$"), 139));
  EXPECT_TRUE(exited(sealed_script("kill -TERM $$"), 143));
  EXPECT_TRUE(exited(sealed_script("kill -ABRT $$"), 134));
}

TEST_P(CommandLine, Exits127AndNamesACommandThatDoesNotExist) {
  for (const char* command : {"/no/such/command", "no-such-command"}) {
    const Ended ended = sealed({command});
    EXPECT_TRUE(exited(ended, 127));
    EXPECT_TRUE(contains(ended.err, command)) << describe(ended);
  }
}

TEST_P(CommandLine, Exits126AndNamesACommandThatCannotBeExecuted) {
  const std::string file = world().make_file("work/not-executable", "#!/bin/sh\n", 0644);
  Ended ended = sealed({file});
  EXPECT_TRUE(exited(ended, 126));
  EXPECT_TRUE(contains(ended.err, "not-executable")) << describe(ended);
  EXPECT_TRUE(exited(sealed({world().work()}), 126));  // a folder
}

TEST_P(CommandLine, FindsCommandsByThePathOfTheSandbox) {
  EXPECT_TRUE(exited(sealed({"true"}), 0));
  EXPECT_TRUE(exited(sealed({"sh", "-c", "exit 3"}), 3));
  world().make_file("work/local", "#!/bin/sh\nexit 9\n", 0755);
  EXPECT_TRUE(exited(sealed({"./local"}), 9));
  EXPECT_TRUE(exited(sealed({"local"}), 127));  // the working directory is not on the path
}

TEST_P(CommandLine, RunsAScriptWithoutAFirstLineAsAShellDoes) {
  const std::string script = world().make_file("work/script", "exit 8\n", 0755);
  EXPECT_TRUE(exited(sealed({script}), 8));
}

TEST_P(CommandLine, PassesArgumentsByteForByte) {
  const std::vector<std::string> arguments = {"plain",
                                              "two words",
                                              " ",
                                              "",
                                              "\"double\"",
                                              "'single'",
                                              "$HOME `id` $(id)",
                                              "new\nline",
                                              "tab\t",
                                              "!history",
                                              "*?[a]",
                                              "back\\slash",
                                              "\xff\xfe\x80",
                                              "\xc3\xa4",
                                              "--policy",
                                              "--",
                                              "-c",
                                              "%s%n",
                                              "\x1b[31m"};
  std::vector<std::string> command{"/usr/bin/printf", "%s\\0"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::string wanted;
  for (const std::string& argument : arguments) wanted += argument + '\0';
  const Ended ended = sealed(command);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, wanted);
}

TEST_P(CommandLine, PassesALongArgumentList) {
  const Ended ended =
      sealed({"/bin/sh", "-c", "printf %s \"$1\" | wc -c", "sh", std::string(120000, 'x')});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "120000\n");
}

TEST_P(CommandLine, NeedsNoDashesBeforeTheCommand) {
  EXPECT_TRUE(exited(carrel({"run", "sh", "-c", "exit 5"}), 5));
}

TEST_P(CommandLine, RefusesToRunNothingOrAnUnknownOption) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"run"}, {"run", "--"}, {"run", "--no-such-option", "true"}}) {
    const Ended ended = carrel(arguments);
    EXPECT_TRUE(exited(ended, 125)) << arguments.back();
    EXPECT_NE(ended.err, "");
  }
  EXPECT_TRUE(refused(sealed({"true"}, {"--limit", "colour=red"}), "colour"));
  EXPECT_TRUE(refused(sealed({"true"}, {"--timeout", "soon"}), "soon"));
  EXPECT_TRUE(refused(sealed({"true"}, {"--profile", "no-such-profile"}), "no-such-profile"));
}

TEST_P(CommandLine, StartsInTheWorkingDirectoryOfTheCaller) {
  const Ended ended = sealed({"/bin/pwd"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, world().work() + "\n");
}

TEST_P(CommandLine, StartsInTheFolderThatCwdNames) {
  world().make_dir("work/sub");
  Ended ended = sealed({"/bin/pwd"}, {"--cwd", world().work() + "/sub"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, world().work() + "/sub\n");
  ended = sealed({"/bin/pwd"}, {"--cwd", "sub"});
  EXPECT_EQ(ended.out, world().work() + "/sub\n") << describe(ended);
  EXPECT_TRUE(refused(sealed({"/bin/pwd"}, {"--cwd", "absent"}), "absent"));
  EXPECT_TRUE(refused(sealed({"/bin/pwd"}, {"--cwd", "/etc/passwd"}), "/etc/passwd"));
}

TEST_P(CommandLine, FolderThatCwdNamesIsNotWritableForThat) {
  const Ended ended = sealed_script("echo x > planted", {"--cwd", world().outside()});
  EXPECT_FALSE(exited(ended, 0));
  EXPECT_EQ(::access((world().outside() + "/planted").c_str(), F_OK), -1);
}

TEST_P(CommandLine, PassesNoSecretInTheEnvironment) {
  ASSERT_TRUE(contains(run(world().plain({"/usr/bin/env"})).out, kSecret));  // they are there
  const Ended ended = sealed({"/usr/bin/env"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_FALSE(contains(ended.out, kSecret)) << ended.out;
  for (const char* needed : {"PATH=", "HOME=", "TERM=xterm", "LANG=C.UTF-8"}) {
    EXPECT_TRUE(contains("\n" + ended.out, "\n" + std::string(needed))) << ended.out;
  }
}

TEST_P(CommandLine, PassesTheVariablesThatEnvNames) {
  const Ended ended =
      sealed({"/usr/bin/env"}, {"--env", "GITHUB_TOKEN", "--env", "COLOUR=deep blue", "--env",
                                "EMPTY=", "--env", "EQUAL=a=b\nc"});
  EXPECT_TRUE(exited(ended, 0));
  const std::string out = "\n" + ended.out;
  EXPECT_TRUE(contains(out, "\nGITHUB_TOKEN=" + std::string(kSecret) + "\n")) << out;
  EXPECT_TRUE(contains(out, "\nCOLOUR=deep blue\n")) << out;
  EXPECT_TRUE(contains(out, "\nEMPTY=\n")) << out;
  EXPECT_TRUE(contains(out, "\nEQUAL=a=b\nc\n")) << out;
  EXPECT_FALSE(contains(out, "NPM_TOKEN")) << out;
}

TEST_P(CommandLine, SetsNoVariableThatTheCallerDoesNotHave) {
  const Ended ended = sealed_script("echo ${NOT_THERE-absent}", {"--env", "NOT_THERE"});
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "absent\n");
}

TEST_P(CommandLine, KeepsOnlyTheDescriptorsThatAreNamed) {
  const UniqueFd note(::memfd_create("note", MFD_CLOEXEC));
  ASSERT_EQ(::write(note.get(), "kept\n", 5), 5);
  ::lseek(note.get(), 0, SEEK_SET);
  Invocation invocation = sealed_invocation(
      {"/bin/bash", "-c",
       "cat <&7; ls /proc/self/fd | tr '\\n' ' '; (: <&8) 2>/dev/null || echo no 8"},
      {"--keep-fd", "7"});
  invocation.fds = {{note.get(), 7}, {note.get(), 8}};
  const Ended ended = run(invocation);
  EXPECT_TRUE(exited(ended, 0));
  EXPECT_EQ(ended.out, "kept\n0 1 2 3 7 no 8\n") << describe(ended);  // 3 is the list itself
}

TEST_P(CommandLine, RefusesToKeepADescriptorThatIsNotOpen) {
  EXPECT_TRUE(refused(sealed({"true"}, {"--keep-fd", "77"}), "77"));
}

TEST_P(CommandLine, HelpAndVersionGoToStandardOutput) {
  for (const char* option : {"--help", "--version"}) {
    const Ended ended = carrel({option});
    EXPECT_TRUE(exited(ended, 0));
    EXPECT_NE(ended.out, "");
    EXPECT_EQ(ended.err, "");
  }
  EXPECT_TRUE(contains(carrel({"run", "--help"}).out, "--write"));
}

}  // namespace
}  // namespace carrel::tests
