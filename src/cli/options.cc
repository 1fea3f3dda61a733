#include "cli/options.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace carrel::cli {
namespace {

constexpr Option kPolicyOptions[] = {
    {Opt::kPolicy, "policy", 0, "FILE.toml", Kind::kToml, Repeat::kOnce,
     "take the policy from FILE.toml",
     "The file starts from the profile that its `profile` key names (`default` without one). "
     "`carrel schema` prints a JSON Schema of the format for editors."},
    {Opt::kSettings, "settings", 0, "FILE.json", Kind::kJson, Repeat::kOnce,
     "take the policy from a settings file of Anthropic's sandbox-runtime",
     "The file is read as it is, with the meaning of its Linux half. A key that Carrel does not "
     "take over is refused by name. Excludes `--policy` and `--profile`."},
    {Opt::kProfile, "profile", 'p', "NAME", Kind::kProfile, Repeat::kOnce,
     "start from a built-in profile instead of \"default\"",
     "`carrel profile` lists them, and `carrel profile NAME` prints one. A policy file names its "
     "profile itself, with its `profile` key."},
};

constexpr Option kFileOptions[] = {
    {Opt::kWrite, "write", 'w', "PATH", Kind::kPath, Repeat::kMany,
     "let the command change PATH and everything below it",
     "PATH must exist and must not be a symbolic link. Names that the host would later run or "
     "obey, such as `.git/hooks`, stay protected inside it."},
    {Opt::kRead, "read", 'r', "PATH", Kind::kPath, Repeat::kMany,
     "let the command read PATH although a folder above it is hidden", ""},
    {Opt::kHide, "hide", 0, "PATH", Kind::kPath, Repeat::kMany,
     "make PATH an empty folder, or a file that cannot be opened",
     "A PATH that does not exist may hold the wildcards `*`, `?`, `[...]` and `**`; quote them "
     "from the shell."},
    {Opt::kProtect, "protect", 0, "PATH", Kind::kPath, Repeat::kMany,
     "keep PATH unchanged, also inside a folder that may be written",
     "Takes wildcards as `--hide` does."},
};

constexpr Option kNetworkOptions[] = {
    {Opt::kAllow, "allow", 'a', "HOST[:PORT]", Kind::kHost, Repeat::kMany,
     "let the command reach HOST: a name, *.NAME, an address or a range",
     "Carrel's own proxy then serves the command, which finds it in its environment, and reaches "
     "nothing but what is allowed. Without any `--allow`, there is no network at all."},
    {Opt::kProxyFd, "proxy-fd", 0, "N", Kind::kDescriptor, Repeat::kOnce,
     "hand the listeners for a proxy over Unix socket N to whoever holds its other end",
     "Two TCP sockets that listen inside the sandbox, on 127.0.0.1:3128 for HTTP and on "
     "127.0.0.1:1080 for SOCKS5, in this order, arrive as one SCM_RIGHTS message before the "
     "command starts. The proxy variables are set inside. The program at the other end serves "
     "the sockets and decides what is reached, in place of carrel's own proxy."},
    {Opt::kHostPort, "host-port", 0, "PORT", Kind::kPort, Repeat::kMany,
     "let the command reach PORT of this machine's loopback, at its own",
     "A database that listens on 127.0.0.1:5432 is then at localhost:5432 inside as well."},
    {Opt::kPublish, "publish", 0, "[ADDR:]PORT[:INSIDE]", Kind::kPort, Repeat::kMany,
     "make a server inside reachable at PORT of this machine",
     "The server listens on port INSIDE (PORT if it is not said) of the loopback inside. Without "
     "ADDR, only programs of this machine reach it; an IPv6 ADDR stands in brackets."},
    {Opt::kLog, "log", 0, "FILE", Kind::kPath, Repeat::kOnce,
     "append a line to FILE for each request and connection that carrel's proxy decides",
     "The file is made if it is not there, and several sandboxes may share one. The command cannot "
     "change it. `carrel log FILE` shows it, `carrel log verify FILE` tells whether it was "
     "changed."},
};

constexpr Option kProxyOptions[] = {
    kNetworkOptions[0],
    {Opt::kHttp, "http", 0, "ADDRESS:PORT", Kind::kHost, Repeat::kOnce,
     "listen here as an HTTP proxy, instead of on 127.0.0.1:3128",
     "Whoever reaches the address may use the proxy: it asks for no password."},
    {Opt::kSocks, "socks", 0, "ADDRESS:PORT", Kind::kHost, Repeat::kOnce,
     "listen here as a SOCKS proxy, instead of on 127.0.0.1:1080", ""},
    kNetworkOptions[4],
};
constexpr Option kWhyOptions[] = {kNetworkOptions[0]};
static_assert(kNetworkOptions[0].id == Opt::kAllow && kNetworkOptions[4].id == Opt::kLog);

constexpr Option kProcessOptions[] = {
    {Opt::kEnv, "env", 'e', "NAME[=VALUE]", Kind::kEnvironment, Repeat::kMany,
     "set a variable inside, or pass the caller's own",
     "A NAME alone passes the caller's value, if there is one; it may end in one `*`."},
    {Opt::kLimit, "limit", 'l', "NAME=VALUE", Kind::kLimit, Repeat::kMany,
     "limit what the command may use, as in memory=2GiB", ""},
    {Opt::kTimeout, "timeout", 't', "TIME", Kind::kDuration, Repeat::kOnce,
     "end the command after TIME, as in 90s or 1h30m",
     "The same as `--limit wall_time=TIME`. The exit status is then 124."},
    {Opt::kCwd, "cwd", 'C', "DIR", Kind::kFolder, Repeat::kOnce,
     "start the command in DIR; this grants nothing", ""},
    {Opt::kKeepFd, "keep-fd", 0, "N", Kind::kDescriptor, Repeat::kMany,
     "keep descriptor N open for the command; all others above 2 are closed",
     "A descriptor of a folder, or one opened with O_PATH, is refused: it would lead out."},
};

constexpr Option kReportOptions[] = {
    {Opt::kRecord, "record", 0, "FILE.json", Kind::kJson, Repeat::kOnce,
     "write how the run went to FILE.json: outcome, times, memory, limits",
     "The command cannot change the file."},
    {Opt::kQuiet, "quiet", 'q', "", Kind::kFlag, Repeat::kOnce,
     "do not say which limit or timeout ended the command",
     "Failures of Carrel itself are always reported."},
};

constexpr Option kHelpOption = {Opt::kHelp,    "help",           'h', "", Kind::kFlag,
                                Repeat::kOnce, "show this help", ""};
constexpr Option kHelpOnly[] = {kHelpOption};
constexpr Option kJsonAndHelp[] = {
    {Opt::kJson, "json", 'j', "", Kind::kFlag, Repeat::kOnce, "print JSON", ""}, kHelpOption};

constexpr Option kLogOptions[] = {
    {Opt::kFollow, "follow", 'f', "", Kind::kFlag, Repeat::kOnce,
     "go on with what is written from now on", ""},
    {Opt::kDenied, "denied", 'd', "", Kind::kFlag, Repeat::kOnce, "show only what was refused", ""},
    {Opt::kJson, "json", 'j', "", Kind::kFlag, Repeat::kOnce, "print the lines as they are", ""},
    kHelpOption};

constexpr Group kRunGroups[] = {
    {"Policy", kPolicyOptions},       {"Files", kFileOptions},    {"Network", kNetworkOptions},
    {"The command", kProcessOptions}, {"Report", kReportOptions}, {"Help", kHelpOnly},
};
constexpr Group kExplainGroups[] = {
    {"Policy", kPolicyOptions},       {"Files", kFileOptions},    {"Network", kNetworkOptions},
    {"The command", kProcessOptions}, {"Report", kReportOptions}, {"Output", kJsonAndHelp},
};
constexpr Group kDoctorGroups[] = {{"Options", kJsonAndHelp}};
constexpr Group kLogGroups[] = {{"Options", kLogOptions}};
constexpr Group kWhyGroups[] = {
    {"Policy", kPolicyOptions}, {"Network", kWhyOptions}, {"Output", kJsonAndHelp}};
constexpr Group kProxyGroups[] = {
    {"Policy", kPolicyOptions}, {"Network", kProxyOptions}, {"Help", kHelpOnly}};
constexpr Group kPlainGroups[] = {{"Options", kHelpOnly}};

constexpr Subcommand kSubcommands[] = {
    {Verb::kRun, "run", "run a command in a sandbox",
     "Runs COMMAND with its arguments, byte for byte and with no shell between. Without options "
     "it may write in the current folder and in a private /tmp, and nowhere else; it sees the "
     "rest of the file system read-only, without the places where credentials are kept; it has "
     "no network, no capabilities, and only a short list of environment variables. When it ends, "
     "everything that it started ends too.\n\n"
     "Options stand before COMMAND. They add to the policy and win over what it inherits from "
     "its profile. Relative paths start from the current folder.",
     Operands::kCommand, kRunGroups},
    {Verb::kExplain, "explain", "print what run would do, without doing it",
     "Takes the options of `carrel run` and prints the plan that they lead to: mounts in order, "
     "filters by name, environment, limits, protected names, network rules. It is the same plan "
     "that `carrel run` executes.",
     Operands::kMaybeCommand, kExplainGroups},
    {Verb::kWhy, "why", "say which rule decides about a host, and how to allow it",
     "Decides about HOST as the proxy of `carrel run` with the same options would: the name, and "
     "each address that it leads to now. Without a PORT, 443. The exit status is 0 if the host "
     "can be reached, else 1.",
     Operands::kOneHost, kWhyGroups},
    {Verb::kLog, "log", "show a log of network decisions, or verify it",
     "Shows the FILE that `carrel run --log FILE` wrote, for people or, with `--json`, for "
     "programs. `carrel log verify FILE` tells whether each line follows from the one before: a "
     "line that was changed, removed or put in breaks the chain. It prints the last link of it: "
     "who keeps that can tell later whether lines were cut off at the end.",
     Operands::kLogFile, kLogGroups},
    {Verb::kProxy, "proxy", "run the proxy alone, for programs that are not in a sandbox",
     "Serves an HTTP and a SOCKS proxy that decide by a policy, for containers, virtual machines "
     "and other sandboxes. It runs until it is ended by a signal.",
     Operands::kNone, kProxyGroups},
    {Verb::kDoctor, "doctor", "try what this machine offers, and say how to mend what is missing",
     "Tries each thing that Carrel uses or could use, says what Carrel does with it, and prints "
     "the command that mends what is missing. It leaves nothing behind. The exit status is 0 if "
     "`carrel run` works here, else 1.",
     Operands::kNone, kDoctorGroups},
    {Verb::kProfile, "profile", "list the built-in profiles, or print one",
     "A profile is an ordinary policy file that ships inside Carrel; what is printed is exactly "
     "what is used.",
     Operands::kProfile, kPlainGroups},
    {Verb::kSchema, "schema", "print the JSON Schema of policy files",
     "Editors that know JSON Schema for TOML check and complete policy files with it.",
     Operands::kNone, kPlainGroups},
    {Verb::kCompletion, "completion", "print the completion script of a shell",
     "bash: `carrel completion bash > ~/.local/share/bash-completion/completions/carrel`\n\n"
     "zsh: `carrel completion zsh > DIR/_carrel`, with a DIR of `$fpath`\n\n"
     "fish: `carrel completion fish > ~/.config/fish/completions/carrel.fish`",
     Operands::kShell, kPlainGroups},
    {Verb::kMan, "man", "print the manual page",
     "Prints the page as troff: `carrel man | man -l -` shows it. With a SUBCOMMAND, the page of "
     "that one.",
     Operands::kSubcommand, kPlainGroups},
    {Verb::kConnect, "connect", "inside a sandbox, join standard input and output to a host",
     "For programs that know no proxy but can be given a command to connect with, as in "
     "`ssh -o ProxyCommand='/dev/carrel connect %h %p' HOST`. Inside a sandbox with a network, "
     "/dev/carrel is carrel. git finds its `GIT_SSH_COMMAND` set like this.",
     Operands::kHostPort, kPlainGroups},
    {Verb::kVersion, "version", "print the version", "", Operands::kNone, kPlainGroups},
    {Verb::kHelp, "help", "explain a subcommand", "", Operands::kSubcommand, kPlainGroups},
};

constexpr Named kLimitNames[] = {
    {"memory", "bytes of all processes together: 2GiB"},
    {"cpus", "CPUs: 1.5 or 150%"},
    {"processes", "processes and threads"},
    {"open_files", "open files of each process"},
    {"file_size", "bytes of any one file written"},
    {"scratch", "bytes of all private folders, such as /tmp, together"},
    {"wall_time", "time until the command is ended: 90s, 1h30m"},
};

constexpr Named kExitStatuses[] = {
    {"0-123", "the command's own exit status (as any other that it chooses)"},
    {"124", "the command ran out of its `--timeout`"},
    {"125", "Carrel itself failed, and the command was not started; one line says why"},
    {"126", "COMMAND is there but cannot be executed"},
    {"127", "COMMAND was not found"},
    {"128+n", "the command was ended by signal n"},
};

constexpr Named kExamples[] = {
    {"carrel run -- make -j4", "build in the current folder, without network or keys"},
    {"carrel run --write ~/out --limit memory=2GiB -- python3 job.py",
     "may write in ~/out too, within 2 GiB"},
    {"carrel explain --profile strict", "what the strict profile does here"},
    {"carrel run --record run.json --timeout 10m -- npm test", "leaves a record of how it went"},
};

// The description is checked while it is compiled.
constexpr bool has_each_option_once(std::span<const Group> groups) {
  std::array<int, kOptCount> names{};
  std::array<int, 256> letters{};
  for (const Group& group : groups) {
    for (const Option& option : group.options) {
      if (++names[static_cast<std::size_t>(option.id)] > 1) return false;
      if (option.letter != 0 && ++letters[static_cast<unsigned char>(option.letter)] > 1) {
        return false;
      }
      if (option.help.empty() || option.help.ends_with('.')) return false;
      if ((option.kind == Kind::kFlag) != option.value.empty()) return false;
    }
  }
  return names[static_cast<std::size_t>(Opt::kHelp)] == 1;
}
static_assert(std::ranges::all_of(kSubcommands, [](const Subcommand& subcommand) {
  return has_each_option_once(subcommand.groups);
}));

}  // namespace

std::span<const Subcommand> subcommands() { return kSubcommands; }
std::span<const Named> limit_names() { return kLimitNames; }
std::span<const Named> exit_statuses() { return kExitStatuses; }
std::span<const Named> examples() { return kExamples; }

const Subcommand* find_subcommand(std::string_view name) {
  const auto* found = std::ranges::find(kSubcommands, name, &Subcommand::name);
  return found == std::end(kSubcommands) ? nullptr : found;
}

const Option* find_option(const Subcommand& subcommand, std::string_view dashed) {
  for (const Group& group : subcommand.groups) {
    for (const Option& option : group.options) {
      const bool long_form = dashed.starts_with("--") && dashed.substr(2) == option.name;
      const bool short_form = dashed.size() == 2 && dashed[0] == '-' && option.letter != 0 &&
                              dashed[1] == option.letter;
      if (long_form || short_form) return &option;
    }
  }
  return nullptr;
}

bool takes_command(Operands operands) {
  return operands == Operands::kCommand || operands == Operands::kMaybeCommand;
}

std::string_view operands_text(Operands operands) {
  switch (operands) {
    case Operands::kNone:
      return "";
    case Operands::kCommand:
      return "[--] COMMAND [ARGS...]";
    case Operands::kMaybeCommand:
      return "[[--] COMMAND [ARGS...]]";
    case Operands::kProfile:
      return "[NAME]";
    case Operands::kSubcommand:
      return "[SUBCOMMAND]";
    case Operands::kShell:
      return "bash|zsh|fish";
    case Operands::kHostPort:
      return "HOST PORT";
    case Operands::kOneHost:
      return "HOST[:PORT]";
    case Operands::kLogFile:
      return "[verify] FILE";
  }
  return "";
}

const std::string_view kVersion = CARREL_VERSION;

}  // namespace carrel::cli
