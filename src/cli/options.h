// The one description of the command line. The parser (arguments.h), --help
// (help.h), the man page (man.h) and the shell completions (completion.h) are
// all made from it, so they cannot disagree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace carrel::cli {

// What a value is: how a shell completes it.
enum class Kind : std::uint8_t {
  kFlag,  // takes no value
  kPath,
  kFolder,
  kToml,  // a file whose name ends so
  kJson,
  kHost,
  kPort,
  kEnvironment,  // NAME or NAME=VALUE
  kLimit,        // NAME=VALUE, with a name of kLimitNames
  kDuration,
  kDescriptor,
  kProfile,
};

enum class Repeat : std::uint8_t { kOnce, kMany };

enum class Opt : std::uint8_t {
  kPolicy,
  kSettings,
  kProfile,
  kWrite,
  kRead,
  kHide,
  kProtect,
  kAllow,
  kHostPort,
  kPublish,
  kProxyFd,
  kLog,
  kEnv,
  kLimit,
  kTimeout,
  kCwd,
  kKeepFd,
  kRecord,
  kQuiet,
  kJson,
  kFollow,
  kDenied,
  kHttp,
  kSocks,
  kHelp,
};
inline constexpr std::size_t kOptCount = static_cast<std::size_t>(Opt::kHelp) + 1;

struct Option {
  Opt id;
  std::string_view name;   // without the dashes
  char letter;             // of the short form; 0 if there is none
  std::string_view value;  // "PATH", as help shows it; "" for a flag
  Kind kind;
  Repeat repeat;
  std::string_view help;  // one line
  std::string_view more;  // further sentences for the man page; `code` in backquotes
};

struct Group {
  std::string_view title;
  std::span<const Option> options;
};

// What stands after the options.
enum class Operands : std::uint8_t {
  kNone,
  kCommand,  // [--] COMMAND [ARGS...], byte for byte
  kMaybeCommand,
  kProfile,     // at most one profile
  kSubcommand,  // at most one subcommand
  kShell,       // one of kShells
  kHostPort,    // a host, and a port
  kOneHost,     // HOST[:PORT]
  kLogFile,     // [verify] FILE
};

enum class Verb : std::uint8_t {
  kRun,
  kExplain,
  kDoctor,
  kProfile,
  kSchema,
  kCompletion,
  kMan,
  kVersion,
  kHelp,
  kConnect,
  kLog,
  kWhy,
  kProxy,
};

struct Subcommand {
  Verb verb;
  std::string_view name;
  std::string_view summary;  // one line, no full stop
  std::string_view more;     // paragraphs, divided by an empty line
  Operands operands;
  std::span<const Group> groups;
};

[[nodiscard]] std::span<const Subcommand> subcommands();
[[nodiscard]] const Subcommand* find_subcommand(std::string_view name);

// "--write" or "-q" -> its option; nullptr if `subcommand` has none of this name.
[[nodiscard]] const Option* find_option(const Subcommand& subcommand, std::string_view dashed);

[[nodiscard]] bool takes_command(Operands operands);
// "[--] COMMAND [ARGS...]"
[[nodiscard]] std::string_view operands_text(Operands operands);

struct Named {
  std::string_view name;
  std::string_view help;
};
[[nodiscard]] std::span<const Named> limit_names();
[[nodiscard]] std::span<const Named> exit_statuses();  // "125": "Carrel itself ..."
[[nodiscard]] std::span<const Named> examples();       // a command line, what it does

inline constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};
inline constexpr std::string_view kTagline = "runs a command in a sealed room";
extern const std::string_view kVersion;  // the project's, in CMakeLists.txt

}  // namespace carrel::cli
