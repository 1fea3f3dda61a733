#include "plan/absent.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sys/test_folder.h"

namespace carrel::plan {
namespace {

using sys::TestFolder;

// Enough of them that a listing is worth it.
class MayExist : public testing::Test {
 protected:
  std::vector<bool> ask(const std::vector<std::string>& names) {
    paths_.clear();
    for (const std::string& name : names) paths_.push_back(folder_.path(name));
    for (int i = 0; i < 8; ++i) paths_.push_back(folder_.path("zz-absent-" + std::to_string(i)));
    std::vector<std::string_view> views(paths_.begin(), paths_.end());
    std::vector<bool> answers = may_exist(views);
    EXPECT_EQ(answers.size(), paths_.size());
    absent_ = answers.back();
    answers.resize(names.size());
    return answers;
  }
  using Answers = std::vector<bool>;

  TestFolder folder_;
  std::vector<std::string> paths_;
  bool absent_ = true;  // what was said of a name that is not there
};

TEST_F(MayExist, IsFalseForWhatIsNotThereAndTrueForWhatIs) {
  folder_.dir("a/b");
  folder_.file("c");
  EXPECT_EQ(ask({"a", "a/b", "a/x", "c", "d", "d/e"}),
            (Answers{true, true, true, true, false, false}));
  EXPECT_FALSE(absent_);
}

TEST_F(MayExist, LooksIntoFoldersThatManyAreLookedForIn) {
  folder_.dir("a/f3");
  EXPECT_EQ(ask({"a/f1", "a/f2", "a/f3", "a/f4", "a/f5", "a/f6", "a/f7"}),
            (Answers{false, false, true, false, false, false, false}));
}

TEST_F(MayExist, IsTrueForAnotherLetterCase) {
  folder_.file("Secret");
  EXPECT_EQ(ask({"secret", "SECRET"}), (Answers{true, true}));
}

TEST_F(MayExist, KnowsNothingWhereAFolderHoldsOtherLetters) {
  folder_.file("\xc5\xbf");  // which a folder without letter case takes for an "s"
  EXPECT_EQ(ask({"s", "t"}), (Answers{true, true}));
  EXPECT_TRUE(absent_);
}

TEST_F(MayExist, KnowsNothingOfLongFolders) {
  for (int i = 0; i < 1000; ++i) folder_.file("a-name-that-is-not-short-" + std::to_string(i));
  EXPECT_EQ(ask({"x"}), Answers{true});
}

TEST_F(MayExist, FollowsLinksToFolders) {
  folder_.dir("real/f1");
  folder_.link("link", "real");
  EXPECT_EQ(ask({"link/f1", "link/f2", "link/f3", "link/f4", "link/f5", "link/f6"}),
            (Answers{true, false, false, false, false, false}));
}

TEST_F(MayExist, IsTrueForTheRoot) {
  EXPECT_EQ(may_exist({"/", "/", "/", "/", "/", "/", "/"}), Answers(7, true));
}

TEST_F(MayExist, IsNotAskedOfFoldersForFewPaths) {
  EXPECT_EQ(may_exist({"/no/such/folder", "/nor/this"}), (Answers{true, true}));
}

// Names are made up here when they are asked for: what is listed is not all.
TEST_F(MayExist, KnowsNothingOfProc) {
  EXPECT_EQ(may_exist({"/proc/self/a", "/proc/self/b", "/proc/self/c", "/proc/self/d",
                       "/proc/self/e", "/proc/self/f"}),
            Answers(6, true));
}

}  // namespace
}  // namespace carrel::plan
