// A plan as the launcher reads it, and what the launcher says back.
//
// One flat, position-independent block in a sealed memfd: a Header, then tables
// and text that it points into. The launcher maps it and allocates nothing.
// Both sides are always built together, so the layout has a magic number, not
// a version history. Freestanding: this header may include no libc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace carrel::wire {

inline constexpr std::uint32_t kMagic = 0x4c455243;  // "CREL"
inline constexpr std::size_t kMaxSources = 512;      // host trees held open at once
inline constexpr std::size_t kMaxListeners = 8;
inline constexpr std::size_t kMaxFilters = 4;
inline constexpr std::size_t kMaxKeptFds = 64;
inline constexpr std::size_t kMaxFileBytes = 4 << 20;  // of one file that the plan holds

// Of every mount that was there before: MOUNT_ATTR_RDONLY, _NOSUID, _NODEV.
inline constexpr std::uint64_t kRootAttributes = 1 | 2 | 4;

// Bytes at `offset` from the start of the block, followed by a NUL not counted in `size`.
struct Text {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

// `count` elements of T at `offset`, aligned for T.
template <typename T>
struct Table {
  std::uint32_t offset = 0;
  std::uint32_t count = 0;
};

// A tree of the host, taken by descriptor before anything is covered.
struct Source {
  Text path;                 // absolute, without symbolic links: resolved with RESOLVE_NO_SYMLINKS
  std::uint64_t attributes;  // MOUNT_ATTR_* to set on the whole tree
  std::uint32_t recursive;   // 1: with the mounts below it
  std::uint32_t trusted;     // as in MountStep
};

enum class MountOp : std::uint32_t {
  kPlace,        // put source `source` at the target
  kPrivate,      // an empty private folder with `mode` and `attributes`, gone at the end
  kMakeDir,      // a folder (`mode`) inside a private folder placed before
  kMakeFile,     // an empty file to mount on, likewise
  kMakeSymlink,  // a link with the text `link`, likewise
  kFile,         // a read-only file (`mode`) that holds `contents` over the target
  kRebind,       // the target's own tree over itself, with `attributes` added
  kRestrict,     // `attributes` added to the mount that is at the target
  kHideDir,      // an empty read-only folder over the target
  kHideFile,     // an unreadable empty file over the target
  kProc,         // a new procfs of the sandbox's PID namespace
  kDevpts,       // a new devpts instance
};

struct MountStep {
  MountOp op;
  std::uint32_t optional;  // 1: skipped where the target does not exist
  std::uint32_t source;    // index into sources, of kPlace
  std::uint32_t mode;
  // 1: only the system's administrator can change what the target's path means
  // (/proc, /sys, /dev): it is used as it stands, and not looked at again.
  std::uint32_t trusted;
  std::uint32_t reserved;
  std::uint64_t attributes;
  Text target;  // absolute, without symbolic links
  Text link;
  Text contents;  // of kFile: any bytes, at most kMaxFileBytes
};

struct Limit {
  std::uint32_t resource;  // RLIMIT_*
  std::uint32_t reserved;
  std::uint64_t value;  // soft and hard
};

struct Filter {
  std::uint32_t offset;  // struct sock_filter[count]
  std::uint32_t count;
};

struct Header {
  std::uint32_t magic;
  std::uint32_t total_size;

  // Identity. `map_all` (root): every id that exists outside maps to itself;
  // else only `uid` and `gid` exist inside.
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t map_all;
  std::uint32_t drop_groups;  // 1: supplementary groups are given up (needs map_all)

  // Descriptors that the launcher inherits; -1 where there is none.
  std::int32_t carrel_fd;   // carrel itself, executed to finish a run that needs words
  std::int32_t room_pid;    // the room's first process
  std::int32_t room_fd;     // its pidfd
  std::int32_t control_fd;  // the socket that it is spoken with
  std::int32_t proxy_pid;   // carrel's own proxy, a child of the launcher; 0: there is none
  std::int32_t proxy_fd;    // it serves for as long as this is open

  Table<Source> sources;
  Table<MountStep> mounts;
  Table<std::uint16_t> listeners;  // TCP ports on 127.0.0.1 inside
  Table<Limit> limits;
  Table<Filter> filters;
  Table<std::int32_t> kept_fds;  // ascending, above 2

  Text hostname;
  Text working_dir;
  Table<Text> candidates;   // paths to execute, in order (a PATH search)
  Table<Text> arguments;    // argv
  Table<Text> environment;  // "NAME=value"

  Text context;                // carrel's own, for the end; opaque to the launcher
  Table<Text> cgroup_folders;  // likewise: made for this run, to be read and removed at the end

  std::uint64_t private_bytes;   // that all private folders together may hold
  std::uint64_t wall_time_ms;    // 0: none
  std::uint32_t record_denials;  // 1: refused system calls are counted in the outcome
  std::uint32_t always_finish;   // 1: carrel_fd is executed at the end whatever happened

  // For the phases of a record: CLOCK_MONOTONIC nanoseconds.
  std::uint64_t started_at;
  std::uint64_t begun_at;  // the room was begun
  std::uint64_t planned_at;
};

// Where a launch can fail. plan/steps.cc has the words for each.
enum class Step : std::uint32_t {
  kNone,
  kLoad,
  kReadPlan,
  kSignals,
  kControlSocket,
  kNamespaces,
  kJoinCgroup,
  kMapIds,
  kGroups,
  kSession,
  kHostname,
  kNetwork,
  kLoopback,
  kListener,
  kHandOut,
  kTakeSource,  // index: source
  kSealRoot,
  kReopen,  // index: descriptor
  kPrivate,
  kSystemMount,  // index: of kSystemSteps
  kMount,        // index: mount step
  kVerifyMount,  // index: mount step
  kVerifyRoot,
  kProcessors,
  kWorkingDir,
  kTerminal,
  kLimit,  // index: limit
  kCapabilities,
  kNoNewPrivileges,
  kParentDeath,
  kDescriptors,
  kSeccomp,  // index: filter
  kFork,
  kExecute,  // index: candidate
  kProxy,    // carrel's own proxy ended before the command; value: the signal that took it, or 0
  kLost,     // PID 1 vanished without a word; value: the signal that took it
};

enum class Ended : std::uint32_t { kExited, kSignaled, kTimedOut, kFailed };

// Nanoseconds of CLOCK_MONOTONIC at which each phase was over.
struct Phases {
  std::uint64_t launcher;    // the launcher watches; beside the mounts
  std::uint64_t namespaces;  // all of them stand; beside the plan
  std::uint64_t mounts;
  std::uint64_t sealed;  // privileges dropped, filters on; the command is executed next
  std::uint64_t ended;   // the command was reaped
  std::uint64_t gone;    // PID 1, and with it everything inside, was reaped
};

// A refused system call, counted by program.
inline constexpr std::size_t kMaxDenials = 64;
struct Denial {
  std::int32_t number;
  std::int32_t error;
  std::uint64_t count;
  std::uint64_t arguments[6];  // of the first call
  char program[16];            // of the first thread that was refused: comm, NUL-terminated
};

// What the launcher leaves in the outcome memfd for carrel to put into words.
struct Outcome {
  std::uint32_t magic;
  Ended ended;
  std::uint32_t value;             // exit status or signal number; errno for kFailed
  Step step;                       // of kFailed
  std::uint32_t index;             // of step
  std::uint32_t private_full;      // 1: the private folders had no room left at the end
  std::uint32_t processes_at_end;  // inside, PID 1 not counted, when the command ended
  std::uint32_t reserved;          // no byte is left to chance
  Phases phases;
  std::uint64_t user_us;  // CPU of everything that was reaped inside
  std::uint64_t system_us;
  std::uint64_t max_rss_kib;  // of the largest process
  std::uint32_t denial_count;
  std::uint32_t denials_lost;  // 1: there were more than fit
  Denial denials[kMaxDenials];
};

}  // namespace carrel::wire
