#include "policy/profile.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "policy/builtin.h"
#include "policy/from_toml.h"
#include "policy/limits.h"

namespace carrel::policy {
namespace {

const PathContext kContext{"/home/ann", "/home/ann/work"};

Glob glob(std::string_view text) { return Glob::parse(text).value(); }

bool hides(const Policy& policy, std::string_view path) {
  for (std::string_view at = path;; at = at.substr(0, at.rfind('/'))) {
    for (const Glob& hidden : policy.files.hide) {
      if (hidden.matches(at)) return true;
    }
    if (at.rfind('/') == 0 || at.empty()) return false;
  }
}

TEST(Profile, ThereAreThree) {
  EXPECT_EQ(profile_names(), (std::vector<std::string>{"cowork", "default", "strict"}));
}

TEST(Profile, AnUnknownNameIsNotFound) {
  for (const auto& result : {profile("defualt", kContext)}) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, Errc::kNotFound);
    EXPECT_EQ(result.error().message, "there is no profile 'defualt'; did you mean 'default'?");
  }
  EXPECT_EQ(profile_text("x").error().message,
            "there is no profile 'x'; it can be cowork, default, strict");
}

TEST(Profile, IsAnOrdinaryPolicyFile) {
  for (const std::string& name : profile_names()) {
    const Result<Policy> used = profile(name, kContext);
    ASSERT_TRUE(used.ok()) << used.error().message;
    const Result<Policy> read = from_toml(profile_text(name).value(), name, kContext);
    ASSERT_TRUE(read.ok()) << read.error().message;
    Policy written = used.value();  // the same, but for whose limits they are
    written.limits.from_profile = read.value().limits.from_profile;
    written.limits.best_effort = true;
    EXPECT_EQ(written, read.value()) << name;
    EXPECT_TRUE(check(used.value()).ok());
  }
}

TEST(Profile, WorksForUsersOfEveryKind) {
  for (const PathContext& context :
       {PathContext{"", "/work"}, PathContext{"/", "/work"}, PathContext{"/root", "/root/x"},
        PathContext{"/nonexistent", "/srv/x"}, PathContext{"/home/ann", "/tmp/x"},
        PathContext{"/home/[x]*", "/home/[x]*/a b"}, PathContext{"/home/ann", "/tmp"},
        PathContext{"/home/ann", "/var/tmp"}}) {
    for (const std::string& name : profile_names()) {
      const auto profiles = builtin_profiles();
      const auto builtin = std::ranges::find(profiles, name, &BuiltinProfile::name);
      const Result<Policy> result = profile(name, context);
      ASSERT_TRUE(result.ok()) << name << ": " << result.error().message;
      EXPECT_TRUE(check(result.value()).ok()) << name << " in " << context.working_dir;
      EXPECT_EQ(result.value(), from_builtin(*builtin, context).value());
    }
  }
}

TEST(Profile, ContradictsItselfInAFolderThatItTreatsAsSpecial) {
  for (const char* folder : {"/", "/home/ann/.ssh"}) {
    const Result<Policy> base = profile("default", {"/home/ann", folder});
    ASSERT_TRUE(base.ok());
    EXPECT_FALSE(check(base.value()).ok()) << folder;
  }
  EXPECT_FALSE(check(profile("strict", {"/home/ann", "/home/ann"}).value()).ok());
}

TEST(Profile, LeavesTheWorkingDirectoryAsItIsWhereItWouldBePrivate) {
  const FilesPolicy files = profile("default", {"/home/ann", "/tmp"}).value().files;
  EXPECT_EQ(files.write, std::set<std::string>{"/tmp"});
  EXPECT_EQ(files.scratch, (std::set<std::string>{"/dev/shm", "/var/tmp"}));
}

TEST(Profile, LimitsAreNobodysWishUntilTheyAreWritten) {
  for (const std::string& name : profile_names()) {
    const LimitsPolicy limits = profile(name, kContext).value().limits;
    EXPECT_TRUE(limits.from_profile.contains("processes")) << name;
  }
  const LimitsPolicy limits =
      from_toml("profile = \"strict\"\nlimits.cpus = 1", "p", kContext).value().limits;
  EXPECT_FALSE(limits.from_profile.contains("cpus"));
  EXPECT_TRUE(limits.from_profile.contains("processes"));
  EXPECT_FALSE(limits.from_profile.contains("inherit"));
}

TEST(DefaultProfile, WritesTheWorkingDirectoryAlone) {
  const Policy p = profile("default", kContext).value();
  EXPECT_EQ(p.files.write, std::set<std::string>{"/home/ann/work"});
  EXPECT_EQ(p.files.scratch, (std::set<std::string>{"/dev/shm", "/tmp", "/var/tmp"}));
  EXPECT_TRUE(p.files.read.empty());
  EXPECT_TRUE(p.network.allow.empty());
  EXPECT_EQ(p.network.unix_sockets, UnixSockets::kNone);
  EXPECT_EQ(p.hostname, "carrel");
}

TEST(DefaultProfile, HidesWhatGrantsAccessElsewhere) {
  const Policy p = profile("default", kContext).value();
  for (const char* path : {"/home/ann/.ssh/id_ed25519",
                           "/home/ann/.gnupg/private-keys-v1.d",
                           "/home/ann/.aws/config",
                           "/home/ann/.azure",
                           "/home/ann/.config/gcloud/credentials.db",
                           "/home/ann/.kube/config",
                           "/home/ann/.docker/config.json",
                           "/home/ann/.netrc",
                           "/home/ann/.git-credentials",
                           "/home/ann/.config/git/credentials",
                           "/home/ann/.config/gh/hosts.yml",
                           "/home/ann/.config/glab-cli",
                           "/home/ann/.npmrc",
                           "/home/ann/.yarnrc.yml",
                           "/home/ann/.pypirc",
                           "/home/ann/.cargo/credentials.toml",
                           "/home/ann/.gem/credentials",
                           "/home/ann/.m2/settings.xml",
                           "/home/ann/.gradle/gradle.properties",
                           "/home/ann/.config/composer/auth.json",
                           "/home/ann/.nuget/NuGet/NuGet.Config",
                           "/home/ann/.password-store/x.gpg",
                           "/home/ann/.local/share/keyrings/login.keyring",
                           "/home/ann/.config/rclone/rclone.conf",
                           "/home/ann/.terraform.d/credentials.tfrc.json",
                           "/home/ann/.vault-token",
                           "/home/ann/.config/op",
                           "/home/ann/.mozilla/firefox",
                           "/home/ann/.config/google-chrome-beta/Default/Cookies",
                           "/home/ann/.config/chromium",
                           "/home/ann/snap/firefox/common",
                           "/home/ann/.thunderbird",
                           "/home/ann/.bash_history",
                           "/home/ann/.zsh_history",
                           "/home/ann/.python_history",
                           "/home/ann/.node_repl_history",
                           "/home/ann/.psql_history",
                           "/home/ann/.local/share/fish/fish_history",
                           "/home/ann/.pgpass",
                           "/home/ann/.my.cnf",
                           "/home/ann/.claude/.credentials.json",
                           "/home/ann/.codex/auth.json",
                           "/home/ann/.gemini/oauth_creds.json",
                           "/home/ann/.bitcoin/wallet.dat",
                           "/home/ann/.electrum",
                           "/etc/shadow",
                           "/etc/gshadow-",
                           "/etc/sudoers.d/x",
                           "/etc/ssh/ssh_host_ed25519_key",
                           "/etc/ssl/private/x.key",
                           "/etc/NetworkManager/system-connections/home.nmconnection",
                           "/etc/wpa_supplicant/x.conf",
                           "/run/docker.sock",
                           "/run/containerd/containerd.sock",
                           "/run/podman/podman.sock",
                           "/run/crio/crio.sock",
                           "/run/libvirt/libvirt-sock",
                           "/run/dbus/system_bus_socket",
                           "/run/user/1000/bus",
                           "/var/lib/docker/volumes"}) {
    EXPECT_TRUE(hides(p, path)) << path;
  }
}

TEST(DefaultProfile, LeavesWhatProgramsNeed) {
  const Policy p = profile("default", kContext).value();
  for (const char* path :
       {"/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssh/ssh_config",
        "/etc/ssh/ssh_host_ed25519_key.pub", "/etc/resolv.conf",
        "/run/systemd/resolve/stub-resolv.conf", "/home/ann/.cargo/bin/cargo", "/home/ann/.rustup",
        "/home/ann/.nvm", "/home/ann/.gitconfig", "/home/ann/.config/git/config",
        "/home/ann/.local/bin", "/home/ann/.cache/pip", "/usr/bin/cc", "/home/ann/.m2/repository",
        "/home/ann/.claude/settings.json", "/home/ann/work/.env"}) {
    EXPECT_FALSE(hides(p, path)) << path;
  }
}

TEST(DefaultProfile, ProtectsWhatTheHostWouldRun) {
  const Policy p = profile("default", kContext).value();
  const auto is_protected = [&](std::string_view path) {
    for (const Glob& name : p.files.protect_names) {
      if (Glob::parse("**/" + name.text()).value().matches(path)) return true;
    }
    return false;
  };
  for (const char* path : {".git/hooks",
                           ".git/config",
                           ".git/commondir",
                           ".git/config.worktree",
                           ".bashrc",
                           ".bash_profile",
                           ".bash_login",
                           ".profile",
                           ".zshrc",
                           ".zprofile",
                           ".zshenv",
                           ".gitconfig",
                           ".gitmodules",
                           ".mcp.json",
                           ".envrc",
                           ".ripgreprc",
                           ".vscode",
                           ".idea",
                           ".cursor",
                           ".claude/commands",
                           ".claude/agents",
                           ".claude/settings.json",
                           ".claude/settings.local.json",
                           "a/b/.git/hooks",
                           ".git/modules/sub/hooks",
                           ".git/modules/a/modules/b/config",
                           ".git/worktrees/w/commondir",
                           ".git/worktrees/w/config.worktree"}) {
    EXPECT_TRUE(is_protected(path)) << path;
  }
  for (const char* path :
       {".git", ".git/index", ".git/HEAD", ".git/objects/ab", ".git/worktrees/w", ".claude",
        ".claude/todo.md", "config", "hooks", ".git/refs/heads/config"}) {
    EXPECT_FALSE(is_protected(path)) << path;
  }
}

TEST(DefaultProfile, PassesNoSecretVariable) {
  const Policy p = profile("default", kContext).value();
  const auto passes = [&](std::string_view name) {
    for (const std::string& pass : p.environment.pass) {
      if (pass == name) return true;
      if (pass.ends_with('*') && name.starts_with(pass.substr(0, pass.size() - 1))) return true;
    }
    return false;
  };
  for (const char* name : {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TERM", "COLORTERM", "TZ",
                           "CI", "NO_COLOR", "EDITOR"}) {
    EXPECT_TRUE(passes(name)) << name;
  }
  for (const char* name : {"SSH_AUTH_SOCK",
                           "AWS_SECRET_ACCESS_KEY",
                           "GITHUB_TOKEN",
                           "OPENAI_API_KEY",
                           "LD_PRELOAD",
                           "LD_LIBRARY_PATH",
                           "GIT_SSH_COMMAND",
                           "GIT_DIR",
                           "DBUS_SESSION_BUS_ADDRESS",
                           "XDG_RUNTIME_DIR",
                           "DISPLAY",
                           "WAYLAND_DISPLAY",
                           "BASH_ENV",
                           "ENV",
                           "PYTHONPATH",
                           "NODE_OPTIONS",
                           "KUBECONFIG",
                           "DOCKER_HOST",
                           "http_proxy",
                           "MAKEFLAGS",
                           "LESSOPEN",
                           "PROMPT_COMMAND",
                           "PS1",
                           "JAVA_TOOL_OPTIONS"}) {
    EXPECT_FALSE(passes(name)) << name;
  }
  EXPECT_EQ(p.environment.set,
            (std::map<std::string, std::string>{{"CARREL", "1"}, {"TMPDIR", "/tmp"}}));
}

TEST(DefaultProfile, LimitsTheNumberOfProcessesAlone) {
  LimitsPolicy expected;
  expected.processes = 4096;
  expected.from_profile = {"processes"};
  EXPECT_EQ(profile("default", kContext).value().limits, expected);
}

TEST(StrictProfile, WritesNothingButScratch) {
  const Policy p = profile("strict", kContext).value();
  EXPECT_TRUE(p.files.write.empty());
  EXPECT_EQ(p.files.read, std::set<std::string>{"/home/ann/work"});
  EXPECT_FALSE(p.files.scratch.empty());
  for (const char* path :
       {"/home/ann/x", "/root/x", "/mnt/x", "/media/x", "/srv/x", "/var/log/syslog"}) {
    EXPECT_TRUE(hides(p, path)) << path;
  }
  for (const char* path : {"/usr/lib/gcc", "/opt/toolchain", "/etc/alternatives/cc"}) {
    EXPECT_FALSE(hides(p, path)) << path;
  }
}

TEST(StrictProfile, IsNarrowerThanTheDefaultInEveryWay) {
  const Policy strict = profile("strict", kContext).value();
  const Policy base = profile("default", kContext).value();
  for (const Glob& hidden : base.files.hide) EXPECT_TRUE(strict.files.hide.contains(hidden));
  EXPECT_EQ(strict.files.protect_names, base.files.protect_names);
  for (const std::string& name : strict.environment.pass) {
    EXPECT_TRUE(base.environment.pass.contains(name)) << name;
  }
  EXPECT_TRUE(strict.network.allow.empty());
  EXPECT_EQ(strict.limits,
            (LimitsPolicy{2ull << 30, 100, 256, 1024, 1ull << 30, 1ull << 30,
                          std::chrono::minutes(10), false, names_of_set(strict.limits)}));
  EXPECT_TRUE(strict.system_calls.deny.contains("ptrace"));
}

TEST(StrictProfile, TakesOneWritableFolder) {
  const Result<Policy> result =
      from_toml("profile = \"strict\"\nfiles.write = [\"out\"]", "p", kContext);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result.value().files.write, std::set<std::string>{"/home/ann/work/out"});
}

TEST(CoworkProfile, IsTheCoworkersEnvironment) {
  const Policy p = profile("cowork", kContext).value();
  EXPECT_EQ(p.hostname, "claude");
  EXPECT_EQ(p.files, profile("default", kContext).value().files);
  EXPECT_EQ(p.limits.memory, 4080218931u);
  EXPECT_EQ(p.limits.cpu_percent, 400u);
  const auto& set = p.environment.set;
  for (const char* name : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"}) {
    EXPECT_EQ(set.at(name), "http://localhost:3128") << name;
  }
  for (const char* name : {"ALL_PROXY", "FTP_PROXY", "GRPC_PROXY", "all_proxy"}) {
    EXPECT_EQ(set.at(name), "socks5h://localhost:1080") << name;
  }
  EXPECT_EQ(set.at("SANDBOX_RUNTIME"), "1");
  EXPECT_NE(set.at("NO_PROXY").find("192.168.0.0/16"), std::string::npos);
  EXPECT_EQ(set.at("NO_PROXY"), set.at("no_proxy"));
  EXPECT_FALSE(set.contains("GIT_SSH_COMMAND"));  // Carrel sets it, with its own helper
  EXPECT_TRUE(p.network.allow.contains(HostRule::parse("api.anthropic.com:443").value()));
}

TEST(Profile, ReplacesNothingThatItsOwnFilesSayTwice) {
  // "~" and "/root" are the same place for root.
  EXPECT_TRUE(profile("strict", {"/root", "/root/x"}).value().files.hide.contains(glob("/root")));
}

}  // namespace
}  // namespace carrel::policy
