#include "jail/launcher/mounts.h"

#include <asm/statfs.h>

#include "jail/launcher/identity.h"
#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::MountOp;
using wire::MountStep;
using wire::Step;

// Where the masks stay reachable for us: below the /dev that the plan makes, so
// that nothing inside can see them. Kernels before 6.15 clone only mounts that
// are attached somewhere.
constexpr char kMaskParking[] = "/dev";

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

bool is_dir(int fd) {
  struct statx info{};
  return kernel::statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
         (info.stx_mode & S_IFMT) == S_IFDIR;
}

long clone_tree(int fd, bool recursive) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
                         (recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0u);
  return call(__NR_open_tree, fd, "", flags);
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

long new_tmpfs(std::uint64_t size, std::uint32_t mode, std::uint64_t attributes) {
  const Number size_text(size);
  const Number mode_text(mode, 8);
  const Option options[] = {{"mode", mode_text.text}, {"size", size_text.text}};
  return new_filesystem("tmpfs", options, size == 0 ? 1 : 2, attributes);
}

class Mounter {
 public:
  Mounter(const PlanView& plan, const Failure& failure) : plan_(plan), failure_(failure) {}

  void run() {
    take_sources();
    seal_root();
    const auto steps = plan_.table(plan_.header().mounts);
    for (std::uint32_t i = 0; i < steps.count && masks_ < 0; ++i) {
      if (hides(steps[i])) make_masks(i);
    }
    for (std::uint32_t i = 0; i < steps.count; ++i) perform(steps[i], i);
    close_sources();
    for (std::uint32_t i = 0; i < steps.count; ++i) verify(steps[i], i);
    verify_root();
  }

 private:
  void take_sources() {
    const auto sources = plan_.table(plan_.header().sources);
    for (std::uint32_t i = 0; i < sources.count; ++i) {
      const long place = kernel::open_exactly(plan_.text(sources[i].path));
      if (place == -ENOENT && sources[i].optional != 0) {
        sources_[i] = -1;
        continue;
      }
      failure_.must(Step::kTakeSource, place, i);
      const Fd owned(place);
      const bool recursive = sources[i].recursive != 0;
      sources_[i] =
          static_cast<int>(failure_.must(Step::kTakeSource, clone_tree(owned.get(), recursive), i));
      failure_.must(
          Step::kTakeSource,
          set_attributes(sources_[i], sources[i].attributes, recursive ? AT_RECURSIVE : 0), i);
    }
    source_count_ = sources.count;
  }

  // From here on nothing of the host can be written, run setuid or used as a
  // device through any mount that was there before.
  void seal_root() {
    mount_attr attr{};
    attr.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    attr.propagation = 1ull << 18;  // MS_PRIVATE
    failure_.must(Step::kSealRoot, kernel::mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, attr));
  }

  void perform(const MountStep& step, std::uint32_t index) {
    const char* const target = plan_.text(step.target);
    if (step.op == MountOp::kMakeDir || step.op == MountOp::kMakeFile ||
        step.op == MountOp::kMakeSymlink) {
      failure_.must(Step::kMount, make_entry(step, target), index);
      return;
    }
    const long place = kernel::open_exactly(target);
    if (place == -ENOENT && step.optional != 0) return;
    failure_.must(Step::kMount, place, index);
    const Fd owned(place);
    if (step.op == MountOp::kRestrict) {
      failure_.must(Step::kMount, set_attributes(owned.get(), step.attributes), index);
      return;
    }
    const long mount = new_mount(step, owned.get());
    if (mount == -ENOENT && step.optional != 0) return;
    failure_.must(Step::kMount, mount, index);
    failure_.must(
        Step::kMount,
        kernel::move_mount(static_cast<int>(mount), owned.get(), "", MOVE_MOUNT_T_EMPTY_PATH),
        index);
    if (step.op != MountOp::kPlace) kernel::close(static_cast<int>(mount));
  }

  // The mount that `step` wants at `place`, detached; a negative errno if it cannot be.
  long new_mount(const MountStep& step, int place) const {
    switch (step.op) {
      case MountOp::kPlace:
        return sources_[step.source] < 0 ? -ENOENT : sources_[step.source];
      case MountOp::kTmpfs:
        return new_tmpfs(step.size, step.mode, step.attributes);
      case MountOp::kProc:
        return new_filesystem("proc", nullptr, 0, step.attributes);
      case MountOp::kDevpts: {
        const Option options[] = {{"ptmxmode", "0666"}, {"mode", "0620"}};
        return new_filesystem("devpts", options, 2, step.attributes);
      }
      case MountOp::kRebind: {
        const long tree = clone_tree(place, true);
        if (tree < 0) return tree;
        const long restricted =
            set_attributes(static_cast<int>(tree), step.attributes, AT_RECURSIVE);
        return restricted < 0 ? restricted : tree;
      }
      case MountOp::kHideDir:
      case MountOp::kHideFile: {
        const bool dir = is_dir(place);
        if (dir != (step.op == MountOp::kHideDir)) return dir ? -EISDIR : -ENOTDIR;
        return clone_mask(dir);
      }
      default:
        return -EINVAL;
    }
  }

  long make_entry(const MountStep& step, const char* target) {
    if (step.op == MountOp::kMakeDir) {
      const long made = call(__NR_mkdirat, AT_FDCWD, target, step.mode);
      return made == -EEXIST ? 0 : made;
    }
    if (step.op == MountOp::kMakeSymlink) {
      return call(__NR_symlinkat, plan_.text(step.link), AT_FDCWD, target);
    }
    const long file =
        kernel::openat(AT_FDCWD, target, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, step.mode);
    if (file >= 0) kernel::close(static_cast<int>(file));
    return file;
  }

  // One small tmpfs holds what every hidden path is covered with.
  long clone_mask(bool dir) const {
    const long entry = kernel::openat(masks_, dir ? "folder" : "file", O_PATH);
    if (entry < 0) return entry;
    const Fd owned(entry);
    return clone_tree(owned.get(), false);
  }

  static bool hides(const MountStep& step) {
    return step.op == MountOp::kHideDir || step.op == MountOp::kHideFile;
  }

  void make_masks(std::uint32_t index) {
    const long mount = failure_.must(Step::kMount, new_tmpfs(64 << 10, 0755, 0), index);
    masks_ = static_cast<int>(mount);
    failure_.must(Step::kMount, call(__NR_mkdirat, mount, "folder", 0555), index);
    const long file = failure_.must(
        Step::kMount, kernel::openat(masks_, "file", O_CREAT | O_EXCL | O_WRONLY, 0), index);
    kernel::close(static_cast<int>(file));
    failure_.must(Step::kMount, set_attributes(masks_, kMaskAttributes), index);
    failure_.must(Step::kMount, kernel::move_mount(masks_, AT_FDCWD, kMaskParking, 0), index);
  }

  void close_sources() {
    for (std::uint32_t i = 0; i < source_count_; ++i) {
      if (sources_[i] >= 0) ids_[i] = mount_id(sources_[i]);
      if (sources_[i] >= 0) kernel::close(sources_[i]);
    }
    if (masks_ >= 0) mask_device_ = device(masks_);
    if (masks_ >= 0) kernel::close(masks_);
  }

  // Looks again, by path, at what the plan wanted: a name that was swapped while
  // the mounts were made leaves something else at the target.
  void verify(const MountStep& step, std::uint32_t index) const {
    if (step.op == MountOp::kMakeDir || step.op == MountOp::kMakeFile ||
        step.op == MountOp::kMakeSymlink) {
      return;
    }
    const long place = kernel::open_exactly(plan_.text(step.target));
    if (place == -ENOENT && step.optional != 0) return;
    failure_.must(Step::kVerifyMount, place, index);
    const Fd owned(place);
    struct statx info{};
    failure_.must(Step::kVerifyMount,
                  kernel::statx(owned.get(), "", AT_EMPTY_PATH,
                                STATX_MNT_ID | STATX_TYPE | STATX_MODE, &info),
                  index);
    if (!is_as_planned(step, info)) failure_.report(Step::kVerifyMount, -ESTALE, index);
  }

  [[nodiscard]] bool is_as_planned(const MountStep& step, const struct statx& info) const {
    if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
      return step.op == MountOp::kPlace && sources_[step.source] < 0;
    }
    switch (step.op) {
      case MountOp::kPlace:
        return info.stx_mnt_id == ids_[step.source];
      case MountOp::kHideDir:
      case MountOp::kHideFile:
        return device(info) == mask_device_;
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

  const PlanView& plan_;
  const Failure& failure_;
  int sources_[wire::kMaxSources] = {};
  std::uint64_t ids_[wire::kMaxSources] = {};
  std::uint32_t source_count_ = 0;
  int masks_ = -1;
  std::uint64_t mask_device_ = 0;
};

}  // namespace

void make_mounts(const PlanView& plan, const Failure& failure) { Mounter(plan, failure).run(); }

}  // namespace carrel::launcher
