#include "plan/grants.h"

#include <gtest/gtest.h>

#include "sys/files.h"
#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

using sys::has_control_characters;
using sys::names;
using sys::TestFolder;

TEST(ResolveGrant, TakesFoldersAndFilesAsTheyAre) {
  const TestFolder folder;
  folder.file("dir/file");
  const Place dir = resolve_grant(folder.path("dir"), "files.write").value();
  EXPECT_EQ(dir.path, folder.path("dir"));
  EXPECT_EQ(dir.kind, EntryKind::kFolder);
  const Place file = resolve_grant(folder.path("dir/file"), "files.write").value();
  EXPECT_EQ(file.path, folder.path("dir/file"));
  EXPECT_EQ(file.kind, EntryKind::kFile);
  EXPECT_EQ(resolve_grant("/", "files.read").value().path, "/");
}

TEST(ResolveGrant, SlashesTooManyDoNotMatter) {
  const TestFolder folder;
  folder.dir("dir");
  EXPECT_EQ(resolve_grant(folder.path("dir") + "///", "files.write").value().path,
            folder.path("dir"));
}

TEST(ResolveGrant, SaysThatNothingIsGrantedInPlaceOfWhatIsMissing) {
  const TestFolder folder;
  folder.file("file");
  for (const char* path : {"missing", "missing/deeper", "file/deeper"}) {
    const Result<Place> place = resolve_grant(folder.path(path), "files.write");
    ASSERT_FALSE(place.ok()) << path;
    EXPECT_EQ(place.error().code, Errc::kNotFound) << path;
    EXPECT_TRUE(names(place.error().message, "files.write: " + folder.path(path)));
    EXPECT_TRUE(names(place.error().message, "create it first"));
  }
}

TEST(ResolveGrant, RefusesALinkAsTheLastComponentAndNamesTheRealPath) {
  const TestFolder folder;
  folder.dir("real");
  folder.link("link", folder.path("real"));
  const Result<Place> place = resolve_grant(folder.path("link"), "files.write");
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.error().code, Errc::kInvalid);
  EXPECT_TRUE(names(place.error().message, folder.path("link") + " is a symbolic link"));
  EXPECT_TRUE(names(place.error().message, "write the real path instead: " + folder.path("real")));
}

TEST(ResolveGrant, RefusesALinkOnTheWayAndNamesIt) {
  const TestFolder folder;
  folder.dir("real/deep/inner");
  folder.link("link", folder.path("real"));
  folder.link("real/relative", "deep");
  for (const char* path : {"link/deep/inner", "real/relative/inner", "link/relative"}) {
    const Result<Place> place = resolve_grant(folder.path(path), "files.read");
    ASSERT_FALSE(place.ok()) << path;
    EXPECT_EQ(place.error().code, Errc::kInvalid) << path;
    EXPECT_TRUE(names(place.error().message, "leads through the symbolic link"));
    EXPECT_TRUE(names(place.error().message, folder.path("real/deep")));
  }
}

TEST(ResolveGrant, RefusesLinksThatLeadNowhereOrRound) {
  const TestFolder folder;
  folder.link("dangling", folder.path("missing"));
  folder.link("loop", "loop");
  for (const char* path : {"dangling", "loop", "loop/x", "dangling/x"}) {
    const Result<Place> place = resolve_grant(folder.path(path), "files.write");
    ASSERT_FALSE(place.ok()) << path;
    EXPECT_EQ(place.error().code, Errc::kInvalid) << path;
    EXPECT_FALSE(place.error().message.find("real path") != std::string::npos) << path;
  }
}

struct Layout {
  const char* link;   // of the system, in "/" or "/var"
  const char* below;  // a folder that most systems have behind it
};

// Which of them exist differs between systems: each is tried where it does.
TEST(ResolveGrant, FollowsTheLinksOfTheSystemsOwnLayout) {
  int tried = 0;
  for (const Layout& layout :
       {Layout{"/bin", ""}, Layout{"/lib", "/modprobe.d"}, Layout{"/sbin", ""},
        Layout{"/var/run", "/lock"}, Layout{"/var/lock", ""}, Layout{"/home", ""}}) {
    const auto info = sys::lstat_if_exists(layout.link).value();
    const std::string path = std::string(layout.link) + layout.below;
    const Result<std::string> real = sys::real_path(path);
    if (!info.has_value() || !S_ISLNK(info->st_mode) || !real.ok()) continue;
    // The link itself only where that is asked for: what is written must be exact.
    if (layout.below[0] == '\0') EXPECT_FALSE(resolve_grant(path, "files.write").ok()) << path;
    const auto target = sys::lstat_if_exists(real.value()).value();
    if (!target.has_value() || !S_ISDIR(target->st_mode)) continue;
    const Result<Place> place = resolve_grant(path, "files.read", LastLink::kSystem);
    ASSERT_TRUE(place.ok()) << place.error().message;
    EXPECT_EQ(place.value().path, real.value());
    ++tried;
  }
  if (sys::read_link("/bin").ok()) {
    EXPECT_EQ(resolve_grant("/bin/ls", "files.read").value().path,
              sys::real_path("/bin").value() + "/ls");
    ++tried;
  }
  if (tried == 0) GTEST_SKIP() << "this system has no links in / or /var";
}

TEST(ResolveGrant, TakesNoOtherLinkForOneOfTheSystems) {
  const TestFolder folder;
  folder.dir("real");
  folder.link("link", folder.path("real"));
  EXPECT_FALSE(resolve_grant(folder.path("link"), "files.read", LastLink::kSystem).ok());
}

TEST(ResolveGrant, RefusesWhatIsNeitherAFolderNorAFile) {
  const TestFolder folder;
  const Result<Place> fifo = resolve_grant(folder.fifo("fifo"), "files.write");
  const Result<Place> socket = resolve_grant(folder.socket("socket"), "files.write");
  const Result<Place> device = resolve_grant("/dev/null", "files.read");
  for (const Result<Place>* place : {&fifo, &socket, &device}) {
    ASSERT_FALSE(place->ok());
    EXPECT_EQ(place->error().code, Errc::kInvalid);
    EXPECT_TRUE(names(place->error().message, "neither a folder nor a regular file"));
  }
}

TEST(ResolveGrant, TellsARefusalFromAbsence) {
  const sys::AsOrdinaryUser user;
  const TestFolder folder;
  folder.dir("locked/inner");
  folder.dir("locked", 0);
  const Result<Place> place = resolve_grant(folder.path("locked/inner"), "files.write");
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.error().code, Errc::kDenied);
}

TEST(ResolveGrant, HostileNamesDoNotReachTheTerminal) {
  const TestFolder folder;
  const std::string name = "evil\x1b[2J\r\n\xe2\x80\xae\xff";
  folder.link(name, folder.dir("real\x07"));
  for (const std::string& path : {name, name + "/x", std::string("missing\x1b]0;x\x07")}) {
    const Result<Place> place = resolve_grant(folder.path(path), "files.write");
    ASSERT_FALSE(place.ok());
    EXPECT_FALSE(has_control_characters(place.error().message)) << place.error().message;
    EXPECT_EQ(place.error().message.find("\xe2\x80\xae"), std::string::npos);
  }
}

}  // namespace
}  // namespace carrel::plan
