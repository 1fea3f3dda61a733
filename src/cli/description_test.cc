// What is made from the description of the options: help, manual pages,
// completions. Each is given to the program that it is for.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "cli/completion.h"
#include "cli/help.h"
#include "cli/man.h"
#include "cli/options.h"
#include "cli/text.h"

namespace carrel::cli {
namespace {

const std::vector<std::string> kProfiles = {"default", "strict"};

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_installed(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null").c_str()) == 0;  // NOLINT
}

struct Ran {
  int status = -1;
  std::string output;  // both standard output and error
};
Ran ran(const std::string& shell_command) {
  FILE* pipe = ::popen(("{ " + shell_command + "\n} 2>&1").c_str(), "r");  // NOLINT
  Ran out;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out.output += static_cast<char>(c);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

class Written : public testing::Test {
 protected:
  // A file with `text`, removed at the end of the test.
  std::string file(const std::string& text) {
    std::string name = testing::TempDir() + "carrel-cli-XXXXXX";
    ::close(::mkstemp(name.data()));
    std::ofstream(name) << text;
    files_.push_back(name);
    return name;
  }
  void TearDown() override {
    for (const std::string& name : files_) std::filesystem::remove(name);
  }

 private:
  std::vector<std::string> files_;
};

TEST(Help, NamesEverySubcommandAndOption) {
  for (const Subcommand& subcommand : subcommands()) {
    EXPECT_TRUE(holds(overview_help(), "  " + std::string(subcommand.name) + " "));
    const std::string help = subcommand_help(subcommand);
    EXPECT_TRUE(holds(help, "Usage: carrel " + std::string(subcommand.name)));
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) {
        EXPECT_TRUE(holds(help, "--" + std::string(option.name))) << option.name;
      }
    }
  }
}

TEST(Help, FitsATerminal) {
  std::vector<std::string> texts = {overview_help()};
  for (const Subcommand& subcommand : subcommands()) texts.push_back(subcommand_help(subcommand));
  for (const std::string& text : texts) {
    std::size_t start = 0;
    for (std::size_t end = 0; (end = text.find('\n', start)) != std::string::npos;
         start = end + 1) {
      EXPECT_LE(text_width(text.substr(start, end - start)), kLineWidth + 1)
          << text.substr(start, end - start);
    }
  }
}

TEST_F(Written, ManualPagesHaveNothingThatAFormatterComplainsOf) {
  if (!is_installed("mandoc") && !is_installed("groff")) GTEST_SKIP() << "needs mandoc or groff";
  std::vector<std::string> pages = {man_page()};
  for (const Subcommand& subcommand : subcommands()) pages.push_back(man_page(subcommand));
  for (const std::string& page : pages) {
    const std::string name = file(page);
    if (is_installed("mandoc")) EXPECT_EQ(ran("mandoc -T lint " + name).output, "");
    if (is_installed("groff")) EXPECT_EQ(ran("groff -man -ww -z " + name).output, "");
  }
}

TEST_F(Written, TheManualPageNamesEveryOption) {
  if (!is_installed("groff")) GTEST_SKIP() << "needs groff";
  const std::string text = ran("groff -man -Tascii -P-cbou " + file(man_page())).output;
  for (const Subcommand& subcommand : subcommands()) {
    EXPECT_TRUE(holds(text, "carrel " + std::string(subcommand.name)));
  }
  for (const Group& group : find_subcommand("run")->groups) {
    for (const Option& option : group.options) {
      EXPECT_TRUE(holds(text, "--" + std::string(option.name))) << option.name;
    }
  }
}

TEST(Manual, LinesAreNeverTakenForRequests) {
  std::vector<std::string> pages = {man_page()};
  for (const Subcommand& subcommand : subcommands()) pages.push_back(man_page(subcommand));
  for (const std::string& page : pages) {
    for (std::size_t at = 0; (at = page.find("\n.", at)) != std::string::npos; ++at) {
      const std::string request = page.substr(at + 2, 2);
      EXPECT_TRUE(holds("SH SS TP PP IP br", request)) << page.substr(at, 40);
    }
    EXPECT_FALSE(holds(page, "\n'"));
  }
}

TEST(Completion, ExistsForThreeShells) {
  for (const std::string_view shell : kShells) {
    const Result<std::string> script = completion_script(shell, kProfiles);
    ASSERT_TRUE(script.ok());
    EXPECT_FALSE(std::regex_search(script.value(), std::regex("@[A-Z_]+@")));  // a blank left over
    for (const Group& group : find_subcommand("run")->groups) {
      for (const Option& option : group.options) {
        EXPECT_TRUE(holds(script.value(), option.name)) << shell << " " << option.name;
      }
    }
  }
  EXPECT_FALSE(completion_script("tcsh", kProfiles).ok());
}

TEST_F(Written, EachShellCanParseItsCompletion) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    if (!is_installed(shell)) continue;
    const std::string name = file(completion_script(shell, kProfiles).value());
    const Ran checked = ran(shell + " -n " + name);
    EXPECT_EQ(checked.status, 0) << checked.output;
    EXPECT_EQ(checked.output, "");
  }
}

// What bash offers for the last of `words`.
std::string bash_offers(const std::string& script, const std::string& words) {
  return ran("bash --norc -c 'source " + script + "; COMP_WORDS=(" + words +
             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _carrel 2>/dev/null; echo "
             "\"${COMPREPLY[*]}\"'")
      .output;
}

TEST_F(Written, BashCompletesWhatStandsThere) {
  const std::string script = file(completion_script("bash", kProfiles).value());
  EXPECT_EQ(bash_offers(script, "carrel expl"), "explain\n");
  EXPECT_EQ(bash_offers(script, "carrel run --wr"), "--write\n");
  EXPECT_EQ(bash_offers(script, "carrel run -q --profile str"), "strict\n");
  EXPECT_EQ(bash_offers(script, "carrel run --limit memory = 2G --qui"), "--quiet\n");
  EXPECT_EQ(bash_offers(script, "carrel run --limit mem"), "memory=\n");
  EXPECT_EQ(bash_offers(script, "carrel run --write = /proc/cmdlin"), "/proc/cmdline\n");
  EXPECT_EQ(bash_offers(script, "carrel run -- bas"), bash_offers(script, "carrel run bas"));
  EXPECT_TRUE(holds(bash_offers(script, "carrel run bas"), "bash"));
  EXPECT_EQ(bash_offers(script, "carrel run ls --wr"), "\n");  // an argument of ls
  EXPECT_EQ(bash_offers(script, "carrel run cat /proc/cmdlin"), "/proc/cmdline\n");
  EXPECT_EQ(bash_offers(script, "carrel profile d"), "default\n");
  EXPECT_EQ(bash_offers(script, "carrel doctor --w"), "\n");
}

TEST_F(Written, FishCompletesWhatStandsThere) {
  if (!is_installed("fish")) GTEST_SKIP() << "needs fish";
  const std::string script = file(completion_script("fish", kProfiles).value());
  const auto offers = [&](const std::string& line) {
    return ran("fish --no-config -c 'source " + script + "; complete -C \"" + line + "\"'").output;
  };
  EXPECT_TRUE(holds(offers("carrel expl"), "explain\t"));
  EXPECT_TRUE(offers("carrel run --wri").starts_with("--write\t"));
  EXPECT_TRUE(offers("carrel run -p str").starts_with("strict\t"));
  EXPECT_TRUE(holds(offers("carrel run cat /proc/cmdlin"), "/proc/cmdline"));
  EXPECT_TRUE(holds(offers("carrel run -- bas"), "bash"));
  EXPECT_FALSE(holds(offers("carrel doctor --w"), "--write"));
}

// The reference page, where the tests run below the source tree.
std::string reference() {
  std::filesystem::path folder = std::filesystem::current_path();
  if (const char* given = std::getenv("CARREL_SOURCE_DIR")) folder = given;
  for (; folder != folder.root_path(); folder = folder.parent_path()) {
    std::ifstream page(folder / "docs" / "command-line.md");
    if (page) return {std::istreambuf_iterator<char>(page), {}};
  }
  return "";
}

TEST(Reference, NamesEveryOptionAndSubcommand) {
  const std::string page = reference();
  if (page.empty()) GTEST_SKIP() << "needs docs/command-line.md above the working directory";
  for (const Subcommand& subcommand : subcommands()) {
    EXPECT_TRUE(holds(page, "carrel " + std::string(subcommand.name))) << subcommand.name;
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) {
        const std::string form = "--" + std::string(option.name);
        EXPECT_TRUE(
            holds(page, option.value.empty() ? form : form + " " + std::string(option.value)))
            << option.name;
      }
    }
  }
  for (const Named& limit : limit_names()) EXPECT_TRUE(holds(page, "`" + std::string(limit.name)));
}

}  // namespace
}  // namespace carrel::cli
