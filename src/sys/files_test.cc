#include "sys/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sys/error.h"
#include "sys/test_folder.h"

namespace carrel::sys {
namespace {

struct Kind {
  int code;
  Errc kind;
};

TEST(Failed, TurnsErrnoIntoWhatACallerCanDo) {
  for (const Kind& expected :
       {Kind{EACCES, Errc::kDenied}, Kind{EPERM, Errc::kDenied}, Kind{ENOENT, Errc::kNotFound},
        Kind{ENOSYS, Errc::kUnsupported}, Kind{EIO, Errc::kSystem}, Kind{ELOOP, Errc::kSystem}}) {
    errno = expected.code;
    const Error error = failed("openat", "/x");
    EXPECT_EQ(error.code, expected.kind) << expected.code;
    EXPECT_EQ(error.sys_errno, expected.code);
    EXPECT_EQ(error.message, "openat(/x): " + errno_text(expected.code));
  }
}

TEST(Retry, CallsAgainOnlyWhenASignalInterrupted) {
  int calls = 0;
  const int done = retry([&] {
    errno = EINTR;
    return ++calls < 3 ? -1 : 7;
  });
  EXPECT_EQ(done, 7);
  EXPECT_EQ(calls, 3);
  const int refused = retry([&] {
    ++calls;
    errno = EAGAIN;
    return -1;
  });
  EXPECT_EQ(refused, -1);
  EXPECT_EQ(calls, 4);
}

TEST(Open, ClosesAtExecAndNamesWhatIsMissing) {
  const TestFolder folder;
  const Result<UniqueFd> fd = open(folder.file("a"), O_RDONLY);
  ASSERT_TRUE(fd.ok());
  EXPECT_EQ(::fcntl(fd.value().get(), F_GETFD), FD_CLOEXEC);
  const Result<UniqueFd> missing = open(folder.path("missing"), O_RDONLY);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Errc::kNotFound);
  EXPECT_TRUE(names(missing.error().message, folder.path("missing")));
}

TEST(OpenNoSymlinks, RefusesALinkAtAnyComponent) {
  const TestFolder folder;
  folder.file("real/file");
  folder.link("last", folder.path("real/file"));
  folder.link("middle", folder.path("real"));
  EXPECT_TRUE(open_no_symlinks(folder.path("real/file"), O_RDONLY).ok());
  for (const char* path : {"last", "middle", "middle/file", "real/../middle/file"}) {
    const Result<UniqueFd> opened = open_no_symlinks(folder.path(path), O_RDONLY);
    ASSERT_FALSE(opened.ok()) << path;
    EXPECT_EQ(opened.error().sys_errno, ELOOP) << path;
  }
  // The links of /proc/PID/fd, which lead where no path does.
  const Result<UniqueFd> fd = open(folder.path("real/file"), O_RDONLY);
  ASSERT_TRUE(fd.ok());
  const std::string magic = "/proc/self/fd/" + std::to_string(fd.value().get());
  ASSERT_FALSE(open_no_symlinks(magic, O_RDONLY).ok());
}

TEST(LstatIfExists, SeesLinksThemselvesAndNothingWhereNothingIs) {
  const TestFolder folder;
  folder.link("dangling", "/nowhere/at/all");
  folder.file("file");
  const auto link = lstat_if_exists(folder.path("dangling"));
  ASSERT_TRUE(link.ok() && link.value().has_value());
  EXPECT_TRUE(S_ISLNK(link.value()->st_mode));
  for (const char* path : {"missing", "missing/x", "file/x"}) {
    const auto nothing = lstat_if_exists(folder.path(path));
    ASSERT_TRUE(nothing.ok()) << path;
    EXPECT_FALSE(nothing.value().has_value()) << path;
  }
}

TEST(LstatIfExists, DoesNotTakeARefusalForAbsence) {
  const AsOrdinaryUser user;
  const TestFolder folder;
  folder.file("locked/file");
  folder.dir("locked", 0);
  const auto info = lstat_if_exists(folder.path("locked/file"));
  ASSERT_FALSE(info.ok());
  EXPECT_EQ(info.error().code, Errc::kDenied);
}

TEST(RealPath, FollowsEveryLinkAndFailsForALoop) {
  const TestFolder folder;
  folder.file("real/file");
  folder.link("one", folder.path("two"));
  folder.link("two", "real");
  folder.link("loop", "loop");
  EXPECT_EQ(real_path(folder.path("one/file")).value(), folder.path("real/file"));
  EXPECT_EQ(real_path(folder.path("loop")).error().sys_errno, ELOOP);
  EXPECT_EQ(real_path(folder.path("missing")).error().code, Errc::kNotFound);
}

TEST(ReadLink, GivesTheWholeText) {
  const TestFolder folder;
  const std::string longest(4000, 'x');
  folder.link("long", longest);
  EXPECT_EQ(read_link(folder.path("long")).value(), longest);
  EXPECT_EQ(read_link(folder.file("file")).error().sys_errno, EINVAL);
}

TEST(ReadFile, TakesAsMuchAsTheLimitAndNotAByteMore) {
  const TestFolder folder;
  for (const std::size_t size : {0u, 1u, 16383u, 16384u, 16385u, 40000u}) {
    const std::string text(size, 'x');
    const std::string path = folder.file("file", text);
    EXPECT_EQ(read_file(path, size).value(), text) << size;
    if (size == 0) continue;
    const Result<std::string> longer = read_file(path, size - 1);
    ASSERT_FALSE(longer.ok()) << size;
    EXPECT_EQ(longer.error().code, Errc::kInvalid);
    EXPECT_TRUE(names(longer.error().message, path));
  }
}

TEST(ReadFile, ReadsProcWhoseFilesHaveNoSize) {
  EXPECT_TRUE(names(read_file("/proc/self/status").value(), "Pid:"));
  EXPECT_EQ(read_file("/proc/self").error().sys_errno, EISDIR);
}

TEST(WriteExisting, NeverMakesAFile) {
  const TestFolder folder;
  EXPECT_EQ(write_existing(folder.path("missing"), "x").error().code, Errc::kNotFound);
  const std::string path = folder.file("file", "abc");
  ASSERT_TRUE(write_existing(path, "12").ok());
  EXPECT_EQ(folder.text_of("file"), "12c");
}

TEST(List, GivesEveryEntryWithItsTypeAndLeavesTheOffsetAlone) {
  const TestFolder folder;
  folder.file("file");
  folder.dir("folder");
  folder.link("link", "file");
  folder.file("...");
  const Result<UniqueFd> dir = open(folder.path(), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(dir.ok());
  for (int again = 0; again < 2; ++again) {
    std::vector<DirEntry> entries = list(dir.value()).value();
    std::sort(entries.begin(), entries.end(),
              [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    ASSERT_EQ(entries.size(), 4u);
    EXPECT_EQ(entries[0].name, "...");
    EXPECT_EQ(entries[1].name, "file");
    EXPECT_EQ(entries[2].name, "folder");
    EXPECT_EQ(entries[3].name, "link");
    if (entries[2].type == DT_UNKNOWN) continue;
    EXPECT_EQ(entries[1].type, DT_REG);
    EXPECT_EQ(entries[2].type, DT_DIR);
    EXPECT_EQ(entries[3].type, DT_LNK);
  }
}

TEST(Seal, MakesEveryChangeFail) {
  for (const Memfd kind : {Memfd::kData, Memfd::kExecutable}) {
    const UniqueFd memfd = memfd_create("carrel-test", kind).value();
    ASSERT_TRUE(write_all(memfd, "sealed").ok());
    ASSERT_TRUE(seal(memfd).ok());
    EXPECT_EQ(write_all(memfd, "x").error().code, Errc::kDenied);
    EXPECT_EQ(::pwrite(memfd.get(), "x", 1, 0), -1);
    EXPECT_EQ(::ftruncate(memfd.get(), 0), -1);
    EXPECT_EQ(::ftruncate(memfd.get(), 100), -1);
    EXPECT_EQ(::mmap(nullptr, 6, PROT_READ | PROT_WRITE, MAP_SHARED, memfd.get(), 0), MAP_FAILED);
    EXPECT_FALSE(seal(memfd).ok()) << "the seals themselves can be changed";
    // Nor through a second description, opened anew.
    const std::string path = "/proc/self/fd/" + std::to_string(memfd.get());
    const UniqueFd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_FALSE(again.valid() && ::pwrite(again.get(), "x", 1, 0) == 1);
    EXPECT_EQ(::open(path.c_str(), O_RDWR | O_TRUNC | O_CLOEXEC), -1);
    EXPECT_EQ(read_file(path).value(), "sealed");
    EXPECT_EQ(::fcntl(memfd.get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST(MemfdCreate, MakesProgramsThatCanBeExecuted) {
  const UniqueFd program = memfd_create("carrel-test", Memfd::kExecutable).value();
  ASSERT_TRUE(write_all(program, read_file("/bin/true").value()).ok());
  ASSERT_TRUE(seal(program).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    char name[] = "true";
    char* const argv[] = {name, nullptr};
    char* const envp[] = {nullptr};
    ::fexecve(program.get(), argv, envp);
    ::_exit(99);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace carrel::sys
