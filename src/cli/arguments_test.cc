#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace carrel::cli {
namespace {

using Words = std::vector<std::string>;

Result<Arguments> parse(std::string_view subcommand, Words words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return parse_arguments(*find_subcommand(subcommand), pointers);
}

Arguments parsed(Words words) {
  Result<Arguments> result = parse("run", std::move(words));
  EXPECT_TRUE(result.ok()) << result.error().message;
  return result.ok() ? std::move(result).value() : Arguments{};
}

TEST(Arguments, EndAtTheFirstWordThatIsNoOption) {
  const Arguments arguments = parsed({"--quiet", "ls", "--quiet", "-l", "--", "--write"});
  EXPECT_EQ(arguments.operands, (Words{"ls", "--quiet", "-l", "--", "--write"}));
  EXPECT_EQ(arguments.all(Opt::kQuiet).size(), 1u);
  EXPECT_FALSE(arguments.has(Opt::kWrite));
}

TEST(Arguments, EndAtTwoDashesWhichAreNotPartOfTheCommand) {
  EXPECT_EQ(parsed({"--", "--write"}).operands, Words{"--write"});
  EXPECT_EQ(parsed({"-q", "--", "-x", "y"}).operands, (Words{"-x", "y"}));
  EXPECT_EQ(parsed({"--", "--", "x"}).operands, (Words{"--", "x"}));
  EXPECT_TRUE(parsed({"--"}).operands.empty());
  EXPECT_TRUE(parsed({}).operands.empty());
}

TEST(Arguments, OfTheCommandArriveByteForByte) {
  const Words command = {"printf", "", "a b", "'\"!$`\\", "line\nbreak", "\xff\xfe", "[a,b]", "{}"};
  EXPECT_EQ(parsed(command).operands, command);
  Words behind_option = {"-w", "."};
  behind_option.insert(behind_option.end(), command.begin(), command.end());
  EXPECT_EQ(parsed(behind_option).operands, command);
}

TEST(Arguments, ALoneDashIsACommand) { EXPECT_EQ(parsed({"-q", "-"}).operands, Words{"-"}); }

TEST(Arguments, ValuesComeInTheirOrderHoweverTheyAreWritten) {
  const Arguments arguments =
      parsed({"--write", "a", "-w", "b", "--write=c", "-wd", "--write=-e", "true"});
  EXPECT_EQ(arguments.all(Opt::kWrite), (Words{"a", "b", "c", "d", "-e"}));
  EXPECT_EQ(arguments.operands, Words{"true"});
}

TEST(Arguments, ValuesAreNotInterpreted) {
  const Arguments arguments = parsed({"--env", "A=", "--env=B=c=d", "--hide", "{}", "--hide",
                                      "[a,b]", "--hide", "a,b", "--hide", "%%", "x"});
  EXPECT_EQ(arguments.all(Opt::kEnv), (Words{"A=", "B=c=d"}));
  EXPECT_EQ(arguments.all(Opt::kHide), (Words{"{}", "[a,b]", "a,b", "%%"}));
}

TEST(Arguments, ShortFlagsMayStandTogether) {
  const Arguments arguments = parsed({"-qC", "/tmp", "true"});
  EXPECT_TRUE(arguments.has(Opt::kQuiet));
  EXPECT_EQ(arguments.one(Opt::kCwd), "/tmp");
}

TEST(Arguments, OptionsMayStandBehindOperandsWhereNoCommandFollows) {
  const Result<Arguments> why = parse("why", {"a.test", "--allow", "b.test", "--json"});
  ASSERT_TRUE(why.ok());
  EXPECT_EQ(why.value().operands, (Words{"a.test"}));
  EXPECT_EQ(why.value().one(Opt::kAllow), "b.test");
  EXPECT_TRUE(why.value().has(Opt::kJson));
  const Result<Arguments> log = parse("log", {"--denied", "--", "--json"});
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log.value().operands, (Words{"--json"}));
  EXPECT_FALSE(log.value().has(Opt::kJson));
}

TEST(Arguments, EveryOptionOfEverySubcommandIsUnderstood) {
  for (const Subcommand& subcommand : subcommands()) {
    for (const Group& group : subcommand.groups) {
      for (const Option& option : group.options) {
        Words words = {"--" + std::string(option.name)};
        if (option.kind != Kind::kFlag) words.emplace_back("7");
        const Result<Arguments> result = parse(subcommand.name, words);
        ASSERT_TRUE(result.ok()) << subcommand.name << " " << option.name;
        EXPECT_TRUE(result.value().has(option.id)) << subcommand.name << " " << option.name;
        EXPECT_TRUE(result.value().operands.empty());
      }
    }
  }
}

struct Fault {
  const char* name;
  const char* subcommand;
  Words words;
  const char* message;
};
void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

class ArgumentsRefuse : public testing::TestWithParam<Fault> {};

TEST_P(ArgumentsRefuse, AndSayWhatToDo) {
  const Result<Arguments> result = parse(GetParam().subcommand, GetParam().words);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::kInvalid);
  EXPECT_EQ(
      result.error().message,
      GetParam().message + (std::string("; see `carrel ") + GetParam().subcommand) + " --help`");
}

INSTANTIATE_TEST_SUITE_P(
    , ArgumentsRefuse,
    testing::Values(
        Fault{"UnknownOption",
              "run",
              {"--wirte", "x", "ls"},
              "there is no option --wirte, did you mean --write?"},
        Fault{"UnknownOptionBehindAKnownOne",
              "run",
              {"-q", "--nonsense=1", "ls"},
              "there is no option --nonsense"},
        Fault{"UnknownLetter", "run", {"-Z", "ls"}, "there is no option -Z"},
        Fault{
            "ControlCharacters", "run", {"--\x1b[31m", "ls"}, "there is no option $'--\\x1b[31m'"},
        Fault{"NoValueAtTheEnd", "run", {"--cwd"}, "--cwd: needs a value, DIR"},
        Fault{"NoValueBeforeTheCommand",
              "run",
              {"--write", "--", "ls"},
              "--write: needs a value, and -- looks like an option; write --write=-- if it is "
              "meant"},
        Fault{"AnOptionForAValue",
              "run",
              {"--cwd", "--quiet", "ls"},
              "--cwd: needs a value, and --quiet looks like an option; write --cwd=--quiet if it "
              "is meant"},
        Fault{"EmptyValue", "run", {"--cwd=", "ls"}, "--cwd=: write --cwd=DIR"},
        Fault{"EmptyWordAsValue", "run", {"--cwd", "", "ls"}, "--cwd: needs a value, DIR"},
        Fault{"EqualsBehindALetter", "run", {"-w=x", "ls"}, "-w=x: write --write=PATH"},
        Fault{"ValueOfAFlag", "run", {"--quiet=yes", "ls"}, "--quiet: takes no value"},
        Fault{"Twice", "run", {"--cwd", "a", "-C", "b", "ls"}, "--cwd: given twice"},
        Fault{"JsonIsNotForRun", "run", {"--json", "ls"}, "there is no option --json"},
        Fault{"OperandOfDoctor", "doctor", {"x"}, "unexpected argument x"},
        Fault{"TwoProfiles", "profile", {"strict", "default"}, "unexpected argument default"}),
    [](const auto& fault) { return std::string(fault.param.name); });

}  // namespace
}  // namespace carrel::cli
