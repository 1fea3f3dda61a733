#include "cli/prepare.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cli/descriptors.h"
#include "cli/network.h"
#include "policy/profile.h"

namespace carrel::cli {
namespace {

using policy::Glob;

Arguments typed(std::vector<std::string> words) {
  words.emplace_back("true");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  Result<Arguments> parsed = parse_arguments(*find_subcommand("run"), pointers);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  return std::move(parsed).value();
}

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "carrel-cli-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = std::filesystem::canonical(name);
    context_ = {"/home/u", folder_.string()};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, std::string_view text = "") {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  [[nodiscard]] std::string in_folder(const std::string& name) const {
    return (folder_ / name).string();
  }
  Result<LoadedPolicy> load(std::vector<std::string> words) {
    return load_policy(typed(std::move(words)), context_);
  }
  policy::Policy loaded(std::vector<std::string> words) {
    Result<LoadedPolicy> result = load(std::move(words));
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? std::move(result).value().policy : policy::Policy{};
  }
  std::string refused(std::vector<std::string> words) {
    const Result<LoadedPolicy> result = load(std::move(words));
    return result.ok() ? "accepted" : result.error().message;
  }

  std::filesystem::path folder_;
  policy::PathContext context_;
};

TEST_F(CommandLine, WithoutOptionsIsTheDefaultProfile) {
  EXPECT_EQ(loaded({}), policy::profile("default", context_).value());
  EXPECT_EQ(load({}).value().source, "profile default");
}

TEST_F(CommandLine, NamesAProfile) {
  EXPECT_EQ(loaded({"--profile", "strict"}), policy::profile("strict", context_).value());
  EXPECT_EQ(refused({"--profile", "none-such"}).substr(0, 31), "there is no profile 'none-such'");
}

TEST_F(CommandLine, ReadsAPolicyFile) {
  const std::string path = file("p.toml", "hostname = \"here\"\n");
  EXPECT_EQ(loaded({"--policy", path}).hostname, "here");
  EXPECT_EQ(load({"--policy", path}).value().source, "policy " + path);
}

TEST_F(CommandLine, ReadsASettingsFile) {
  const std::string path = file("s.json", R"({"filesystem": {"allowWrite": ["/srv/w"]}})");
  EXPECT_TRUE(loaded({"--settings", path}).files.write.contains("/srv/w"));
}

TEST_F(CommandLine, PassesThePlaceOfAMistakeOn) {
  const std::string path = file("p.toml", "hostname = \"here\"\nnonsense = 1\n");
  EXPECT_TRUE(refused({"--policy", path}).starts_with(path + ":2:1: "))
      << refused({"--policy", path});
  EXPECT_EQ(refused({"--policy", "/nonexistent.toml"}),
            "--policy /nonexistent.toml: No such file or directory; name a file that can be read");
}

TEST_F(CommandLine, TakesOnePolicyOnly) {
  EXPECT_TRUE(refused({"--policy", "a", "--settings", "b"}).starts_with("--policy and --settings"));
  EXPECT_EQ(refused({"--policy", "a.toml", "--profile", "strict"}),
            "--profile with --policy: a policy file names its profile itself; write profile = "
            "\"strict\" into a.toml");
  EXPECT_TRUE(refused({"--settings", "a", "--profile", "b"}).starts_with("--profile with"));
}

TEST_F(CommandLine, PathsStartFromTheCallersFolder) {
  const policy::Policy policy = loaded({"--write", "sub/../out", "--read", "/usr/./share"});
  EXPECT_TRUE(policy.files.write.contains(in_folder("out")));
  EXPECT_TRUE(policy.files.read.contains("/usr/share"));
}

TEST_F(CommandLine, WinsOverWhatThePolicyInherits) {
  EXPECT_FALSE(loaded({"--read", "."}).files.write.contains(folder_.string()));
  const Glob ssh = Glob::of_literal("/home/u/.ssh");
  ASSERT_TRUE(loaded({}).files.hide.contains(ssh));
  EXPECT_FALSE(loaded({"--read", "/home/u/.ssh"}).files.hide.contains(ssh));
}

TEST_F(CommandLine, MayNotContradictItself) {
  const std::string message = refused({"--write", "x", "--protect", "x"});
  EXPECT_NE(message.find("files.write"), std::string::npos) << message;
  EXPECT_NE(message.find("files.protect"), std::string::npos) << message;
  EXPECT_NE(refused({"--write", "x/y", "--protect", "x"}), "accepted");
  EXPECT_NE(refused({"--write", "/"}), "accepted");
}

TEST_F(CommandLine, SaysWhatToDoWhereTheCurrentFolderCannotBeWritten) {
  for (const char* folder : {"/", "/proc/self", "/dev", "/home/u/.ssh"}) {
    context_.working_dir = folder;
    EXPECT_TRUE(refused({}).starts_with("the current folder " + std::string(folder) + " is "))
        << refused({});
    EXPECT_EQ(refused({"--read", "."}), "accepted");
  }
}

TEST_F(CommandLine, WritesTheCurrentFolderWhereItWouldBePrivate) {
  context_.working_dir = "/tmp";
  const policy::FilesPolicy files = loaded({}).files;
  EXPECT_TRUE(files.write.contains("/tmp"));
  EXPECT_EQ(files.scratch, (std::set<std::string>{"/dev/shm", "/var/tmp"}));
}

TEST_F(CommandLine, HidesAFileWhoseNameLooksLikeAPattern) {
  file("[x]*");
  const policy::Policy policy = loaded({"--hide", "[x]*", "--protect", "*.pem"});
  EXPECT_TRUE(policy.files.hide.contains(Glob::of_literal(in_folder("[x]*"))));
  EXPECT_TRUE(policy.files.protect.contains(
      Glob::parse(Glob::of_literal(folder_.string()).text() + "/*.pem").value()));
}

TEST_F(CommandLine, ProtectsARecordThatTheCommandCouldReach) {
  EXPECT_TRUE(
      loaded({"--record", "r.json"}).files.protect.contains(Glob::of_literal(in_folder("r.json"))));
  EXPECT_TRUE(loaded({"--record", "/elsewhere/r.json"}).files.protect.empty());
}

TEST_F(CommandLine, SetsAndPassesVariables) {
  const policy::EnvironmentPolicy environment =
      loaded({"--env", "A=b=c", "--env", "EMPTY=", "--env", "TMPDIR", "--env", "MY_*"}).environment;
  EXPECT_EQ(environment.set.at("A"), "b=c");
  EXPECT_EQ(environment.set.at("EMPTY"), "");
  EXPECT_FALSE(
      environment.set.contains("TMPDIR"));  // the profile sets it; the caller's is asked for
  EXPECT_TRUE(environment.pass.contains("TMPDIR"));
  EXPECT_TRUE(environment.pass.contains("MY_*"));
  EXPECT_EQ(refused({"--env", "=x"}), "--env =x: has no name; write NAME=VALUE");
  EXPECT_EQ(refused({"--env", "A=1", "--env", "A"}), "--env A: given twice; leave one out");
}

TEST_F(CommandLine, SetsLimits) {
  const policy::LimitsPolicy limits =
      loaded({"--limit", "memory=1GiB", "--limit", "cpus=1.5", "--timeout", "90s"}).limits;
  EXPECT_EQ(limits.memory, 1ull << 30);
  EXPECT_EQ(limits.cpu_percent, 150u);
  EXPECT_EQ(limits.wall_time, std::chrono::seconds(90));
  EXPECT_EQ(refused({"--limit", "memory"}),
            "--limit memory: has no value; write NAME=VALUE, as in memory=2GiB");
  EXPECT_EQ(refused({"--limit", "wall_time=1s", "--timeout", "1s"}),
            "--timeout: the limit wall_time is given twice; leave one out");
  EXPECT_TRUE(refused({"--limit", "speed=1"}).starts_with("--limit: "));
}

TEST_F(CommandLine, AllowsHosts) {
  const policy::NetworkPolicy network = loaded({"--allow", "Example.COM:443"}).network;
  ASSERT_EQ(network.allow.size(), 1u);
  EXPECT_EQ(network.allow.begin()->text(), "example.com:443");
  EXPECT_TRUE(refused({"--allow", "http://x"}).starts_with("--allow: "));
  EXPECT_TRUE(refused({"--allow", "*"}).starts_with("--allow: "));
}

plan::Machine machine_with(const std::string& name, const std::string& value) {
  plan::Machine machine;
  machine.environment[name] = value;
  return machine;
}

TEST(HostsProxies, AreTakenFromTheEnvironment) {
  const auto proxies = upstream_proxies(machine_with("HTTPS_PROXY", "http://u:secret@proxy:3128"));
  ASSERT_TRUE(proxies.ok());
  EXPECT_EQ(proxies.value().text(), "proxy:3128 for TLS and SOCKS");
  EXPECT_EQ(upstream_proxies(machine_with("all_proxy", "proxy")).value().text(), "proxy:80");
  EXPECT_EQ(upstream_proxies({}).value().text(), "");
}

TEST(HostsProxies, AreNeverPassedOver) {
  const auto proxies = upstream_proxies(machine_with("all_proxy", "socks5://u:secret@proxy:1080"));
  ASSERT_FALSE(proxies.ok());
  EXPECT_NE(proxies.error().message.find("all_proxy"), std::string::npos);
  EXPECT_EQ(proxies.error().message.find("secret"), std::string::npos);
}

std::string descriptors_refused(std::vector<std::string> words) {
  const Result<Descriptors> result = check_descriptors(typed(std::move(words)));
  return result.ok() ? "accepted" : result.error().message;
}

TEST(Descriptors, AreKeptSortedAndOnce) {
  const UniqueFd one(::open("/dev/null", O_RDONLY));
  const UniqueFd two(::open("/dev/null", O_RDONLY));
  const std::string a = std::to_string(one.get());
  const std::string b = std::to_string(two.get());
  const Result<Descriptors> result =
      check_descriptors(typed({"--keep-fd", b, "--keep-fd", a, "--keep-fd", b}));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().kept, (std::vector<int>{one.get(), two.get()}));
}

TEST(Descriptors, ThatCarrelOpenedItselfAreNotTheCallers) {
  const UniqueFd own(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_NE(
      descriptors_refused({"--keep-fd", std::to_string(own.get())}).find("no such descriptor"),
      std::string::npos);
}

TEST(Descriptors, ThatLeadOutAreRefused) {
  const UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY));
  const UniqueFd path(::open("/etc/passwd", O_PATH));
  EXPECT_NE(descriptors_refused({"--keep-fd", std::to_string(folder.get())}).find("is a folder"),
            std::string::npos);
  EXPECT_NE(descriptors_refused({"--keep-fd", std::to_string(path.get())}).find("O_PATH"),
            std::string::npos);
  const UniqueFd input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  ASSERT_EQ(::dup2(folder.get(), STDIN_FILENO), STDIN_FILENO);
  const std::string message = descriptors_refused({});
  if (input.valid()) {
    ::dup2(input.get(), STDIN_FILENO);
  } else {
    ::close(STDIN_FILENO);
  }
  EXPECT_NE(message.find("standard input is a folder"), std::string::npos) << message;
}

TEST(Descriptors, AreOpenNumbersAboveTwo) {
  for (const char* bad : {"0", "2", "x", "3x", "99999999999", "+4"}) {
    EXPECT_NE(descriptors_refused({"--keep-fd", bad}).find("write a number above 2"),
              std::string::npos)
        << bad;
  }
  EXPECT_NE(descriptors_refused({"--keep-fd", "900"}).find("no such descriptor"),
            std::string::npos);
}

TEST(Descriptors, OfAProxyAreUnixSocketsThatTheCommandDoesNotHold) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::string number = std::to_string(theirs.get());
  EXPECT_EQ(descriptors_refused({"--proxy-fd", number}), "accepted");
  EXPECT_NE(descriptors_refused({"--proxy-fd", number, "--keep-fd", number}).find("--proxy-fd"),
            std::string::npos);
  EXPECT_NE(descriptors_refused({"--proxy-fd", std::to_string(file.get())}).find("Unix socket"),
            std::string::npos);
}

TEST_F(CommandLine, OpensARecordWithoutFollowingALinkThatACommandLeft) {
  const std::string victim = file("victim", "precious");
  ASSERT_EQ(::symlink(victim.c_str(), in_folder("link").c_str()), 0);
  ASSERT_EQ(::mkfifo(in_folder("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(open_record(in_folder("link")).ok());
  EXPECT_FALSE(open_record(in_folder("fifo")).ok());
  EXPECT_FALSE(open_record(folder_.string()).ok());
  EXPECT_EQ(std::filesystem::file_size(victim), 8u);
}

TEST_F(CommandLine, EmptiesAnOldRecordAndKeepsItsDescriptorAcrossExec) {
  const std::string path = file("r.json", "old");
  const Result<UniqueFd> record = open_record(path);
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(std::filesystem::file_size(path), 0u);
  EXPECT_EQ(::fcntl(record.value().get(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace carrel::cli
