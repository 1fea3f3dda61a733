#include "plan/mounts.h"

#include <linux/mount.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>

#include "base/path.h"
#include "plan/absent.h"
#include "plan/grants.h"
#include "plan/walk.h"
#include "sys/files.h"

namespace carrel::plan {
namespace {

using wire::MountOp;

constexpr std::uint64_t kNoSuidNoDev = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
constexpr std::uint64_t kReadOnlyTree = kNoSuidNoDev | MOUNT_ATTR_RDONLY;

constexpr char kPinned[] = "holds a hidden or protected name: cannot be renamed away";

enum class Rule : std::uint8_t { kScratch, kWrite, kRead, kHide, kPin, kProtect };

struct Node {
  Rule rule;
  EntryKind kind;
  std::string why;
  bool is_protected = false;  // a rule of files.protect meets another one here
  bool is_pinned = false;     // as kPinned says
};

// What stands around a path while the rules are walked from the top.
enum class Around : std::uint8_t { kReadOnly, kWritable, kEmpty, kScratch };

struct Frame {
  std::string path;
  Around around;
  bool made_here;  // a private folder: mount points in it must be made
};

// A folder before what is in it, and that before everything else: '/' sorts before
// every byte, also before "-" and ".", which ASCII puts first.
struct ByTree {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      if (x == '/' || y == '/') return x == '/' && y != '/';
      return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
    });
  }
};

// Rules by place.
using Nodes = std::map<std::string, Node, ByTree>;

bool is_private(const std::string& path) {
  return is_within(path, "/proc") || is_within(path, "/dev");
}

class Planner {
 public:
  Planner(const MountRequest& request, std::vector<std::string>& notes)
      : request_(request), notes_(notes) {}

  Result<MountPlan> plan() {
    CARREL_CHECK(gather_scratch());
    CARREL_CHECK(gather_grants());
    CARREL_CHECK(gather_hidden());
    CARREL_CHECK(gather_protected());
    frames_.push_back({"/", Around::kReadOnly, false});
    for (const auto& [path, node] : nodes_) {
      while (!is_within(path, frames_.back().path)) close_frame();
      place(path, node);
    }
    while (frames_.size() > 1) close_frame();
    return std::move(plan_);
  }

 private:
  Status gather_scratch() {
    for (const std::string& path : request_.files.scratch) {
      if (is_private(path)) continue;  // add_system_mounts knows /dev/shm
      const Result<std::string> real = sys::real_path(path);
      if (!real.ok()) continue;  // nothing there that could be covered
      CARREL_TRY(const auto info, sys::lstat_if_exists(real.value()));
      if (!info.has_value() || !S_ISDIR(info->st_mode)) continue;
      if (real.value() == "/" || is_private(real.value()) || is_within(real.value(), "/sys")) {
        return Error{Errc::kInvalid, "files.scratch: " + printable(path) + " is " + real.value() +
                                         ", which cannot be replaced by an empty folder; name "
                                         "another"};
      }
      nodes_.insert_or_assign(real.value(),
                              Node{Rule::kScratch, EntryKind::kFolder, "files.scratch"});
    }
    return Unit{};
  }

  Status gather_grants() {
    for (const std::string& path : request_.files.read) {
      CARREL_TRY(const Place place, resolve_grant(path, "files.read", LastLink::kSystem));
      nodes_.insert_or_assign(place.path, Node{Rule::kRead, place.kind, "files.read"});
      granted_.push_back(place.path);
    }
    for (const std::string& path : request_.files.write) {
      CARREL_TRY(const Place place, resolve_grant(path, "files.write"));
      CARREL_CHECK(check_writable(place.path));
      if (place.kind == EntryKind::kFile) {
        notes_.push_back(printable(place.path) +
                         " is a single file: programs that save by renaming a new file onto it "
                         "will fail; grant its folder for those");
      }
      note_shared(place.path);
      nodes_.insert_or_assign(place.path, Node{Rule::kWrite, place.kind, "files.write"});
      writable_.push_back(place.path);
      granted_.push_back(place.path);
    }
    return Unit{};
  }

  // /tmp, for somebody who stands there.
  void note_shared(const std::string& path) {
    struct stat info{};
    constexpr mode_t kShared = S_ISVTX | S_IWOTH;
    if (::lstat(path.c_str(), &info) == -1 || (info.st_mode & kShared) != kShared) return;
    notes_.push_back(printable(path) +
                     " is shared by all users and programs of this machine: the command sees what "
                     "they keep there, and can change what is yours");
  }

  static Status check_writable(const std::string& path) {
    if (path == "/" || is_private(path) || is_within(path, "/sys")) {
      return Error{Errc::kInvalid,
                   "files.write: " + path +
                       " cannot be made writable as a whole; name the folders that the command "
                       "should write"};
    }
    struct statvfs info{};
    if (::statvfs(path.c_str(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0) {
      return Error{Errc::kInvalid, "files.write: " + printable(path) +
                                       " is on a file system that is mounted read-only"};
    }
    return Unit{};
  }

  Status gather_hidden() {
    std::vector<std::string_view> literals;
    for (const policy::Glob& pattern : request_.files.hide) {
      if (pattern.is_literal()) literals.push_back(pattern.literal());
    }
    const std::vector<bool> may_be_there = may_exist(literals);
    std::size_t next = 0;
    for (const policy::Glob& pattern : request_.files.hide) {
      if (pattern.is_literal() && !may_be_there[next++]) continue;
      CARREL_TRY(const std::vector<Place> places, find_matches(pattern, granted_));
      for (const Place& place : places) {
        CARREL_CHECK(hide(place, pattern.text()));
        // Under another name the next run would not find it. A pattern finds it there.
        if (!pattern.is_literal()) continue;
        pin_above(place.path);
        hold_links(pattern.literal(), place.path, "leads to what files.hide names");
      }
    }
    return Unit{};
  }

  Status hide(const Place& place, const std::string& pattern) {
    if (is_private(place.path)) return Unit{};  // private already
    if (place.path == "/") {
      return Error{Errc::kInvalid, "files.hide: " + printable(pattern) +
                                       " means the whole file system; hide the folders in it"};
    }
    const auto at = nodes_.find(place.path);
    if (at != nodes_.end() && at->second.rule == Rule::kScratch) return Unit{};  // empty already
    if (at != nodes_.end() && (at->second.rule == Rule::kWrite || at->second.rule == Rule::kRead)) {
      // The policy's own lists do not collide (policy::check): a pattern or a
      // link met a grant. A grant of the very place is the more deliberate word.
      if (!policy::Glob::of_literal(place.path).matches(pattern)) return Unit{};
    }
    nodes_.insert_or_assign(place.path, Node{Rule::kHide, place.kind, "files.hide " + pattern});
    return Unit{};
  }

  Status gather_protected() {
    for (const policy::Glob& pattern : request_.files.protect) {
      CARREL_TRY(const std::vector<Place> places, find_matches(pattern));
      for (const Place& place : places) {
        protect(place, "files.protect " + pattern.text());
        if (in_writable(place.path)) pin_above(place.path);
        if (pattern.is_literal()) {
          hold_links(pattern.literal(), place.path, "leads to what files.protect names");
        }
      }
      if (places.empty() && pattern.is_literal() && in_writable(pattern.literal())) {
        notes_.push_back("files.protect: " + printable(pattern.literal()) +
                         " does not exist yet, and nothing keeps the command from creating it");
      }
    }
    std::set<std::string> skip;
    for (const auto& [path, node] : nodes_) {
      if (node.rule == Rule::kHide || node.rule == Rule::kScratch) skip.insert(path);
    }
    CARREL_TRY(const std::vector<ProtectedName> found,
               find_protected(writable_, request_.files, skip));
    for (const ProtectedName& name : found) {
      if (!in_writable(name.place.path)) continue;
      protect(name.place, "protected name");
      for (const std::string& holder : name.holders) pin(holder);
      // And every folder on the way: moved aside, it would make room for another.
      pin_above(name.place.path);
    }
    return Unit{};
  }

  // Pointed elsewhere, a link on the way would make the policy mean another place.
  void hold_links(const std::string& path, const std::string& real, const std::string& why) {
    if (path == real) return;
    for (std::string& link : find_links(path)) {
      if (!in_writable(link)) continue;
      pin_above(link);
      protect({std::move(link), EntryKind::kLink}, why);
    }
  }

  void pin_above(const std::string& path) {
    for (std::string_view at = parent_path(path); pin(std::string(at)); at = parent_path(at)) {
    }
  }

  // False for what cannot be renamed anyway: it is in no writable folder, or is
  // one whose own place is read-only.
  bool pin(const std::string& folder) {
    const bool inside = std::any_of(
        writable_.begin(), writable_.end(),
        [&](const std::string& root) { return folder != root && is_within(folder, root); });
    if (!inside) return false;
    nodes_.try_emplace(folder, Node{Rule::kPin, EntryKind::kFolder, kPinned})
        .first->second.is_pinned = true;
    return true;
  }

  // Protection gives way to nothing but being hidden, which is stronger.
  void protect(const Place& place, const std::string& why) {
    const auto [at, fresh] = nodes_.try_emplace(place.path, Node{Rule::kProtect, place.kind, why});
    if (fresh) return;
    Node& node = at->second;
    if (node.rule == Rule::kPin) node = {Rule::kProtect, place.kind, why};
    node.is_protected = true;
  }

  [[nodiscard]] bool in_writable(const std::string& path) const {
    return std::any_of(writable_.begin(), writable_.end(),
                       [&](const std::string& root) { return is_within(path, root); });
  }

  void place(const std::string& path, const Node& node) {
    const Around around = frames_.back().around;
    const bool visible = around == Around::kReadOnly || around == Around::kWritable;
    if (node.is_protected || node.rule == Rule::kProtect) protected_.push_back(path);
    const bool is_grant = node.rule == Rule::kRead || node.rule == Rule::kWrite;
    if (is_grant && (node.is_protected || node.is_pinned) && around == Around::kWritable) {
      return place_rebind(path, node);
    }
    switch (node.rule) {
      case Rule::kScratch:
        return place_scratch(path, node);
      case Rule::kWrite:
        if (protected_above(path)) {
          if (visible) return;  // protection wins; what may be read is still to be seen
          return place_tree(path, node, kReadOnlyTree, Around::kReadOnly);
        }
        if (around == Around::kWritable) return;
        return place_tree(path, node, kNoSuidNoDev, Around::kWritable);
      case Rule::kRead:
        if (visible) return;
        return place_tree(path, node, kReadOnlyTree, Around::kReadOnly);
      case Rule::kHide:
        if (!visible) return;
        return place_mask(path, node);
      case Rule::kPin:
      case Rule::kProtect:
        if (around != Around::kWritable) return;
        return place_rebind(path, node);
    }
  }

  [[nodiscard]] bool protected_above(const std::string& path) const {
    return std::any_of(protected_.begin(), protected_.end(),
                       [&](const std::string& root) { return is_within(path, root); });
  }

  void place_scratch(const std::string& path, const Node& node) {
    make_mount_point(path, node.kind);
    MountStep step = new_step(MountOp::kPrivate, path, node.why);
    step.mode = 01777;
    step.attributes = kNoSuidNoDev;
    plan_.steps.push_back(std::move(step));
    frames_.push_back({path, Around::kScratch, true});
  }

  void place_tree(const std::string& path, const Node& node, std::uint64_t attributes,
                  Around inside) {
    make_mount_point(path, node.kind);
    plan_.sources.push_back({path, attributes, node.kind == EntryKind::kFolder, false});
    MountStep step = new_step(MountOp::kPlace, path, node.why);
    step.source = plan_.sources.size() - 1;
    step.attributes = attributes;
    plan_.steps.push_back(std::move(step));
    frames_.push_back({path, inside, false});
  }

  void place_mask(const std::string& path, const Node& node) {
    if (node.kind == EntryKind::kFile || !has_grants_below(path)) {
      const MountOp op = node.kind == EntryKind::kFile ? MountOp::kHideFile : MountOp::kHideDir;
      MountStep step = new_step(op, path, node.why);
      step.optional = true;  // gone in between: nothing to hide
      plan_.steps.push_back(std::move(step));
      frames_.push_back({path, Around::kEmpty, false});
      return;
    }
    MountStep step = new_step(MountOp::kPrivate, path, node.why);
    step.mode = 0555;
    step.attributes = kNoSuidNoDev;
    plan_.steps.push_back(std::move(step));
    frames_.push_back({path, Around::kEmpty, true});
  }

  void place_rebind(const std::string& path, const Node& node) {
    const bool pin = node.rule != Rule::kProtect && !node.is_protected;
    MountStep step = new_step(MountOp::kRebind, path, pin ? kPinned : node.why);
    step.attributes = pin ? kNoSuidNoDev : kReadOnlyTree;
    step.optional = true;  // gone in between: nothing to protect
    plan_.steps.push_back(std::move(step));
    frames_.push_back({path, pin ? Around::kWritable : Around::kReadOnly, false});
  }

  [[nodiscard]] bool has_grants_below(const std::string& path) const {
    for (auto at = nodes_.upper_bound(path); at != nodes_.end(); ++at) {
      if (!at->first.starts_with(path)) break;
      if (!is_within(at->first, path)) continue;
      const Rule rule = at->second.rule;
      if (rule == Rule::kRead || rule == Rule::kWrite || rule == Rule::kScratch) return true;
    }
    return false;
  }

  // Inside a private folder nothing exists yet: the way to `path` is made first.
  void make_mount_point(const std::string& path, EntryKind kind) {
    const Frame& frame = frames_.back();
    if (!frame.made_here) return;
    std::string at = frame.path;
    const auto names = path_components(std::string_view(path).substr(frame.path.size()));
    for (std::size_t i = 0; i < names.size(); ++i) {
      at += "/" + std::string(names[i]);
      if (!made_.insert(at).second) continue;
      const bool file = kind == EntryKind::kFile && i + 1 == names.size();
      MountStep step =
          new_step(file ? MountOp::kMakeFile : MountOp::kMakeDir, at, "the way to " + path);
      step.mode = file ? 0444 : 0755;
      plan_.steps.push_back(std::move(step));
    }
  }

  // A hidden folder with holes is sealed once everything in it is in place.
  void close_frame() {
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (frame.around != Around::kEmpty || !frame.made_here) return;
    MountStep step = new_step(MountOp::kRestrict, frame.path, "sealed");
    step.attributes = kReadOnlyTree;
    plan_.steps.push_back(std::move(step));
  }

  const MountRequest& request_;
  std::vector<std::string>& notes_;
  Nodes nodes_;
  std::vector<std::string> writable_;
  std::vector<std::string> granted_;  // writable, or readable below what is hidden
  std::vector<std::string> protected_;
  std::vector<Frame> frames_;
  std::set<std::string> made_;
  MountPlan plan_;
};

}  // namespace

MountStep new_step(MountOp op, std::string target, std::string why) {
  MountStep step;
  step.op = op;
  step.target = std::move(target);
  step.why = std::move(why);
  return step;
}

Result<MountPlan> plan_mounts(const MountRequest& request, std::vector<std::string>& notes) {
  CARREL_TRY(MountPlan plan, Planner(request, notes).plan());
  plan.private_bytes = request.private_bytes;
  if (plan.sources.size() + 8 > wire::kMaxSources) {
    return Error{Errc::kInvalid, "more than " + std::to_string(wire::kMaxSources - 8) +
                                     " folders in files.write and files.read; name folders "
                                     "further up"};
  }
  return plan;
}

}  // namespace carrel::plan
