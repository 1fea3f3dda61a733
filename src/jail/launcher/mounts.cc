#include "jail/launcher/mounts.h"

#include <asm/statfs.h>

#include "jail/launcher/identity.h"
#include "jail/launcher/kernel.h"
#include "plan/system_steps.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::MountOp;
using wire::MountStep;
using wire::Step;

// Where the one tmpfs that all private folders and masks are cut from is
// attached: below the /dev that every plan makes, so that nothing inside can see
// it. Kernels before 6.15 clone only mounts that are attached somewhere.
constexpr char kParking[] = "/dev";

constexpr std::uint64_t kPage = 64 << 10;  // a multiple of every page size

constexpr std::uint64_t kMaskAttributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// An owned descriptor, without a heap or exceptions around it.
class Fd {
 public:
  explicit Fd(long fd) : fd_(static_cast<int>(fd)) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) kernel::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

long set_attributes(int mount, std::uint64_t attributes, unsigned flags = 0) {
  if (attributes == 0) return 0;
  mount_attr attr{};
  attr.attr_set = attributes;
  return kernel::mount_setattr(mount, "", AT_EMPTY_PATH | flags, attr);
}

std::uint64_t mount_id(int fd) {
  struct statx info{};
  if (kernel::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) < 0) return 0;
  return info.stx_mnt_id;
}

std::uint64_t device(const struct statx& info) {
  return std::uint64_t{info.stx_dev_major} << 32 | info.stx_dev_minor;
}

std::uint64_t device(int fd) {
  struct statx info{};
  return kernel::statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0 ? 0 : device(info);
}

long clone_tree(int dir, const char* path, unsigned flags) {
  return call(__NR_open_tree, dir, path,
              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | flags);
}

bool starts_with(const char* text, const char* start) {
  while (*start != '\0' && *text == *start) {
    ++text;
    ++start;
  }
  return *start == '\0';
}

struct Option {
  const char* key;
  const char* value;
};

// A new file system, not attached anywhere yet.
long new_filesystem(const char* type, const Option* options, unsigned count,
                    std::uint64_t attributes) {
  const long context = call(__NR_fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0) return context;
  const Fd owned(context);
  for (unsigned i = 0; i < count; ++i) {
    const long set =
        call(__NR_fsconfig, context, FSCONFIG_SET_STRING, options[i].key, options[i].value, 0);
    if (set < 0) return set;
  }
  const long created = call(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (created < 0) return created;
  return call(__NR_fsmount, context, FSMOUNT_CLOEXEC, attributes);
}

// One for each process, which has one room.
class Mounter {
 public:
  void prepare(const Failure& failure) {
    failure_ = failure;
    host_proc_ = hold("/proc");
    host_dev_ = hold("/dev");
    int devices[wire::kSystemStepCount];  // taken before anything is covered
    for (std::uint32_t i = 0; i < wire::kSystemStepCount; ++i) {
      if (wire::kSystemSteps[i].op == MountOp::kPlace) devices[i] = take_device(i);
    }
    make_private();
    for (std::uint32_t i = 0; i < wire::kSystemStepCount; ++i) perform_system_step(i, devices[i]);
  }

  void make(const PlanView& plan, const Failure& failure) {
    failure_ = failure;
    plan_ = plan;
    take_sources();
    seal_root();
    give_back_attributes();
    reopen_inputs();
    limit_private();
    const auto steps = plan_.table(plan_.header().mounts);
    for (std::uint32_t i = 0; i < steps.count; ++i) perform(steps[i], i);
    close_sources();
    for (std::uint32_t i = 0; i < steps.count; ++i) verify(steps[i], i);
    verify_root();
  }

 private:
  // A folder of the host that is going to be covered.
  int hold(const char* folder) const {
    return static_cast<int>(
        failure_.must(Step::kPrivate, kernel::openat(AT_FDCWD, folder, O_PATH | O_DIRECTORY)));
  }

  int take_device(std::uint32_t index) const {
    return static_cast<int>(failure_.must(
        Step::kSystemMount, clone_tree(AT_FDCWD, wire::kSystemSteps[index].target, 0), index));
  }

  void perform_system_step(std::uint32_t index, int taken) {
    const wire::SystemStep& step = wire::kSystemSteps[index];
    if (makes_entry(step.op)) {
      failure_.must(Step::kSystemMount, make_entry(step.op, step.target, step.link, step.mode),
                    index);
      return;
    }
    const long mount = step.op == MountOp::kPlace ? taken
                                                  : new_mount({step.op, step.attributes, step.mode},
                                                              AT_FDCWD, step.target, 0);
    if (mount == -ENOENT && step.optional) return;
    const Fd owned(failure_.must(Step::kSystemMount, mount, index));
    failure_.must(Step::kSystemMount, kernel::move_mount(owned.get(), AT_FDCWD, step.target, 0),
                  index);
  }

  // seal_root() closed these too.
  void give_back_attributes() const {
    mount_attr writable{};
    writable.attr_clr = wire::kRootAttributes;
    failure_.must(Step::kPrivate, kernel::mount_setattr(private_, "", AT_EMPTY_PATH, writable));
    for (std::uint32_t i = 0; i < wire::kSystemStepCount; ++i) {
      const wire::SystemStep& step = wire::kSystemSteps[i];
      mount_attr attr{};
      attr.attr_clr = wire::kRootAttributes & ~step.attributes;
      if (makes_entry(step.op) || step.op == MountOp::kHideFile || attr.attr_clr == 0) continue;
      failure_.must(Step::kSystemMount,
                    kernel::mount_setattr(AT_FDCWD, step.target, AT_SYMLINK_NOFOLLOW, attr), i);
    }
  }

  void take_sources() {
    const auto sources = plan_.table(plan_.header().sources);
    for (std::uint32_t i = 0; i < sources.count; ++i) {
      const unsigned recursive = sources[i].recursive != 0 ? AT_RECURSIVE : 0u;
      sources_[i] =
          static_cast<int>(failure_.must(Step::kTakeSource, take(sources[i], recursive), i));
      failure_.must(Step::kTakeSource,
                    set_attributes(sources_[i], sources[i].attributes, recursive), i);
    }
    source_count_ = sources.count;
  }

  long take(const wire::Source& source, unsigned recursive) const {
    const char* const path = plan_.text(source.path);
    if (source.trusted != 0) return clone_tree(AT_FDCWD, path, recursive);
    const long place = kernel::open_exactly(path);
    if (place < 0) return place;
    const Fd owned(place);
    return clone_tree(owned.get(), "", AT_EMPTY_PATH | recursive);
  }

  // From here on nothing of the host can be written, run setuid or used as a
  // device through any mount that was there before.
  void seal_root() {
    mount_attr attr{};
    static_assert(wire::kRootAttributes ==
                  (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
    attr.attr_set = wire::kRootAttributes;
    attr.propagation = 1ull << 18;  // MS_PRIVATE
    failure_.must(Step::kSealRoot, kernel::mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, attr));
  }

  // A file that the caller opened for reading only: its descriptor belongs to a
  // mount of the host, through which /proc/self/fd would open it for writing.
  // The same file is opened again through the mounts that are read-only now.
  void reopen_inputs() {
    for (int fd = 0; fd <= 2; ++fd) reopen_input(fd);
    for (const std::int32_t fd : plan_.table(plan_.header().kept_fds)) reopen_input(fd);
  }

  void reopen_input(int fd) {
    const long flags = call(__NR_fcntl, fd, F_GETFL, 0);
    struct statx held{};
    if (flags < 0 || (flags & O_ACCMODE) != O_RDONLY ||
        kernel::statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_NLINK, &held) < 0 ||
        (held.stx_mode & S_IFMT) != S_IFREG || held.stx_nlink == 0) {
      return;  // not a file with a name: nothing of the host's can be reached by it
    }
    const auto index = static_cast<std::uint32_t>(fd);
    char path[4096 + 1];
    char link[32] = "/proc/self/fd/";
    const Number number(index);
    for (unsigned i = 0; i <= number.size; ++i) link[14 + i] = number.text[i];
    const long size = call(__NR_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    failure_.must(Step::kReopen, size, index);
    path[size] = '\0';
    const Fd again(failure_.must(Step::kReopen, open_on_host(path), index));
    struct statx found{};
    failure_.must(Step::kReopen, kernel::statx(again.get(), "", AT_EMPTY_PATH, STATX_INO, &found),
                  index);
    if (found.stx_ino != held.stx_ino || device(found) != device(held)) {
      failure_.report(Step::kReopen, -ESTALE, index);
    }
    const long offset = call(__NR_lseek, fd, 0, 1 /* SEEK_CUR */);
    failure_.must(Step::kReopen, call(__NR_lseek, again.get(), offset, 0 /* SEEK_SET */), index);
    call(__NR_fcntl, again.get(), F_SETFL, flags);
    failure_.must(Step::kReopen, call(__NR_dup3, again.get(), fd, 0), index);
  }

  // For reading, where /proc and /dev are the host's still.
  [[nodiscard]] long open_on_host(const char* path) const {
    constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
    if (starts_with(path, "/proc/")) return kernel::openat(host_proc_, path + 6, kFlags);
    if (starts_with(path, "/dev/")) return kernel::openat(host_dev_, path + 5, kFlags);
    return kernel::openat(AT_FDCWD, path, kFlags);
  }

  void make_private() {
    const Option mode{"mode", "0755"};
    private_ =
        static_cast<int>(failure_.must(Step::kPrivate, new_filesystem("tmpfs", &mode, 1, 0)));
    failure_.must(Step::kPrivate, call(__NR_mkdirat, private_, "folder", 0555));
    const long file = failure_.must(
        Step::kPrivate, kernel::openat(private_, "file", O_CREAT | O_EXCL | O_WRONLY, 0));
    kernel::close(static_cast<int>(file));
    private_device_ = device(private_);
    failure_.must(Step::kPrivate, kernel::move_mount(private_, AT_FDCWD, kParking, 0));
  }

  void limit_private() const {
    // The command's share is not made smaller by what is put there for it.
    std::uint64_t bytes = plan_.header().private_bytes;
    for (const MountStep& step : plan_.table(plan_.header().mounts)) {
      if (step.op == MountOp::kFile) bytes += (step.contents.size / kPage + 1) * kPage;
    }
    const Number size(bytes);
    const Fd context(failure_.must(
        Step::kPrivate, call(__NR_fspick, private_, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC)));
    failure_.must(Step::kPrivate,
                  call(__NR_fsconfig, context.get(), FSCONFIG_SET_STRING, "size", size.text, 0));
    failure_.must(Step::kPrivate, call(__NR_fsconfig, context.get(), FSCONFIG_CMD_RECONFIGURE,
                                       nullptr, nullptr, 0));
  }

  void perform(const MountStep& step, std::uint32_t index) {
    const char* const target = plan_.text(step.target);
    if (makes_entry(step.op)) {
      failure_.must(Step::kMount, make_entry(step.op, target, plan_.text(step.link), step.mode),
                    index);
      return;
    }
    const long result = step.trusted != 0 ? cover_trusted(step, target) : cover(step, target);
    if (result == -ENOENT && step.optional != 0) return;
    failure_.must(Step::kMount, result, index);
  }

  // Resolves the target once, exactly, and works on the descriptor.
  long cover(const MountStep& step, const char* target) {
    const long place = kernel::open_exactly(target);
    if (place < 0) return place;
    const Fd owned(place);
    if (step.op == MountOp::kRestrict) return set_attributes(owned.get(), step.attributes);
    const long mount = step.op == MountOp::kPlace
                           ? sources_[step.source]
                           : planned_mount(step, owned.get(), "", AT_EMPTY_PATH);
    if (mount < 0) return mount;
    const Fd owned_mount(step.op == MountOp::kPlace ? -1 : mount);
    return kernel::move_mount(static_cast<int>(mount), owned.get(), "", MOVE_MOUNT_T_EMPTY_PATH);
  }

  // The same with fewer system calls, where the path cannot be played with.
  long cover_trusted(const MountStep& step, const char* target) {
    if (step.op == MountOp::kRestrict) {
      mount_attr attr{};
      attr.attr_set = step.attributes;
      return kernel::mount_setattr(AT_FDCWD, target, AT_SYMLINK_NOFOLLOW, attr);
    }
    const long mount = step.op == MountOp::kPlace ? sources_[step.source]
                                                  : planned_mount(step, AT_FDCWD, target, 0);
    if (mount < 0) return mount;
    const Fd owned_mount(step.op == MountOp::kPlace ? -1 : mount);
    return kernel::move_mount(static_cast<int>(mount), AT_FDCWD, target, 0);
  }

  struct Wanted {
    MountOp op;
    std::uint64_t attributes;
    std::uint32_t mode;
  };
  long planned_mount(const MountStep& step, int dir, const char* path, unsigned flags) {
    if (step.op == MountOp::kFile) return own_file(step);
    return new_mount({step.op, step.attributes, step.mode}, dir, path, flags);
  }

  // A new mount for (dir, path), detached; a negative errno if it cannot be.
  long new_mount(const Wanted& step, int dir, const char* path, unsigned flags) {
    switch (step.op) {
      case MountOp::kPrivate:
        return private_folder(step);
      case MountOp::kProc:
        return new_filesystem("proc", nullptr, 0, step.attributes);
      case MountOp::kDevpts: {
        const Option options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}};
        return new_filesystem("devpts", options, 2, step.attributes);
      }
      case MountOp::kRebind:
        return restricted(clone_tree(dir, path, flags | AT_RECURSIVE), step.attributes,
                          AT_RECURSIVE);
      case MountOp::kHideDir:
        return mask(dir, path, flags, S_IFDIR);
      case MountOp::kHideFile:
        return mask(dir, path, flags, S_IFREG);
      default:
        return -EINVAL;
    }
  }

  static long restricted(long mount, std::uint64_t attributes, unsigned flags) {
    if (mount < 0) return mount;
    const long set = set_attributes(static_cast<int>(mount), attributes, flags);
    if (set >= 0) return mount;
    kernel::close(static_cast<int>(mount));
    return set;
  }

  // A new folder in the private tmpfs, as a mount of its own.
  long private_folder(const Wanted& step) {
    const Number name(private_count_++);
    const long made = call(__NR_mkdirat, private_, name.text, 0700);
    if (made < 0) return made;
    const long mode = call(__NR_fchmodat, private_, name.text, step.mode);  // whatever the umask
    if (mode < 0) return mode;
    return restricted(clone_tree(private_, name.text, 0), step.attributes, 0);
  }

  // A new file in the private tmpfs, as a mount of its own.
  long own_file(const MountStep& step) {
    const Number name(private_count_++);
    const long opened =
        kernel::openat(private_, name.text, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600);
    if (opened < 0) return opened;
    const Fd file(opened);
    const char* rest = plan_.text(step.contents);
    for (std::size_t left = step.contents.size; left > 0;) {
      const long written = kernel::write(file.get(), rest, left);
      if (written < 0) return written;
      rest += written;
      left -= static_cast<std::size_t>(written);
    }
    const long mode = call(__NR_fchmod, file.get(), step.mode);  // whatever the umask
    if (mode < 0) return mode;
    return restricted(clone_tree(private_, name.text, 0), step.attributes, 0);
  }

  // What a hidden place is covered with: of its own kind, and closed.
  [[nodiscard]] long mask(int dir, const char* path, unsigned flags, unsigned kind) const {
    struct statx info{};
    const long looked =
        kernel::statx(dir, path, static_cast<int>(flags) | AT_SYMLINK_NOFOLLOW, STATX_TYPE, &info);
    if (looked < 0) return looked;
    const bool folder = (info.stx_mode & S_IFMT) == S_IFDIR;
    if (folder != (kind == S_IFDIR)) return folder ? -EISDIR : -ENOTDIR;
    return restricted(clone_tree(private_, folder ? "folder" : "file", 0), kMaskAttributes, 0);
  }

  static bool makes_entry(MountOp op) {
    return op == MountOp::kMakeDir || op == MountOp::kMakeFile || op == MountOp::kMakeSymlink;
  }

  static long make_entry(MountOp op, const char* target, const char* link, std::uint32_t mode) {
    if (op == MountOp::kMakeDir) {
      const long made = call(__NR_mkdirat, AT_FDCWD, target, mode);
      return made == -EEXIST ? 0 : made;
    }
    if (op == MountOp::kMakeSymlink) return call(__NR_symlinkat, link, AT_FDCWD, target);
    return call(__NR_mknodat, AT_FDCWD, target, S_IFREG | mode, 0);
  }

  void close_sources() {
    for (std::uint32_t i = 0; i < source_count_; ++i) {
      ids_[i] = mount_id(sources_[i]);
      kernel::close(sources_[i]);
    }
    kernel::close(private_);
    kernel::close(host_proc_);
    kernel::close(host_dev_);
  }

  // Looks again, by path, at what the plan wanted: a name that was swapped while
  // the mounts were made leaves something else at the target.
  void verify(const MountStep& step, std::uint32_t index) const {
    if (makes_entry(step.op) || step.trusted != 0) return;
    const long place = kernel::open_exactly(plan_.text(step.target));
    if (place == -ENOENT && step.optional != 0) return;
    failure_.must(Step::kVerifyMount, place, index);
    const Fd owned(place);
    struct statx info{};
    failure_.must(Step::kVerifyMount,
                  kernel::statx(owned.get(), "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_TYPE, &info),
                  index);
    if (!is_as_planned(step, info)) failure_.report(Step::kVerifyMount, -ESTALE, index);
  }

  [[nodiscard]] bool is_as_planned(const MountStep& step, const struct statx& info) const {
    if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) return false;
    switch (step.op) {
      case MountOp::kPlace:
        return info.stx_mnt_id == ids_[step.source];
      case MountOp::kPrivate:
      case MountOp::kFile:
      case MountOp::kHideDir:
      case MountOp::kHideFile:
        return device(info) == private_device_;
      default:
        return true;
    }
  }

  void verify_root() const {
    struct statfs info{};
    failure_.must(Step::kVerifyRoot, call(__NR_statfs, "/", &info));
    constexpr long kReadOnlyNoSuidNoDev = 1 | 2 | 4;  // ST_RDONLY | ST_NOSUID | ST_NODEV
    if ((info.f_flags & kReadOnlyNoSuidNoDev) != kReadOnlyNoSuidNoDev) {
      failure_.report(Step::kVerifyRoot, -ESTALE);
    }
  }

  Failure failure_{0};
  PlanView plan_;
  int sources_[wire::kMaxSources] = {};
  std::uint64_t ids_[wire::kMaxSources] = {};
  std::uint32_t source_count_ = 0;
  int host_proc_ = 0;
  int host_dev_ = 0;
  int private_ = 0;
  std::uint32_t private_count_ = 0;
  std::uint64_t private_device_ = 0;
};

constinit Mounter the_mounter;  // all zero: it takes no place in the image

}  // namespace

void prepare_mounts(const Failure& failure) { the_mounter.prepare(failure); }

void make_mounts(const PlanView& plan, const Failure& failure) { the_mounter.make(plan, failure); }

}  // namespace carrel::launcher
