// The mounts against a model. Random policies over random trees: what each path
// is to the command, said once by a reference that knows only what the policy
// promises (policy/policy.h), and once by carrying out the planned steps.
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "base/path.h"
#include "plan/test_policy.h"

namespace carrel::plan {
namespace {

using policy::FilesPolicy;
using wire::MountOp;

// What a path of the host is inside.
enum class Seen : std::uint8_t { kInvisible, kReadable, kWritable };

const char* word(Seen seen) {
  return seen == Seen::kInvisible ? "invisible" : seen == Seen::kReadable ? "readable" : "writable";
}

enum class Kind : std::uint8_t { kFolder, kFile, kLink };

struct Tree {
  std::string root;
  std::map<std::string, Kind> entries;  // absolute, without the root
};

// ---------------------------------------------------------------- the reference

// Whether `path` matches `pattern`, by fnmatch(3) instead of policy::Glob.
bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             std::size_t p = 0, std::size_t n = 0) {
  if (p == pattern.size()) return n == path.size();
  if (pattern[p] == "**") {
    return matches(pattern, path, p + 1, n) ||
           (n < path.size() && matches(pattern, path, p, n + 1));
  }
  return n < path.size() && ::fnmatch(pattern[p].c_str(), path[n].c_str(), 0) == 0 &&
         matches(pattern, path, p + 1, n + 1);
}

std::vector<std::string> names_in(std::string_view path) {
  const auto views = path_components(path);
  return {views.begin(), views.end()};
}

bool is_below(const std::string& path, const std::string& folder) {
  return path != folder && is_within(path, folder);
}

// A place that a rule means, if it exists: links are followed to the end.
std::optional<std::string> real(const std::string& path) {
  std::error_code error;
  const auto found = std::filesystem::canonical(path, error);
  return error ? std::nullopt : std::optional(found.string());
}

class Reference {
 public:
  Reference(const Tree& tree, const FilesPolicy& files) : tree_(tree), files_(files) {
    for (const std::string& path : files.scratch) {
      if (const auto place = real(path); place && is_folder(*place)) scratch_.insert(*place);
    }
    for (const policy::Glob& pattern : files.hide) add_matches(pattern, hidden_, Granted::kSkip);
    for (const policy::Glob& pattern : files.protect) {
      add_matches(pattern, protected_, Granted::kKeep);
    }
    for (const auto& [path, kind] : tree.entries) {
      for (const policy::Glob& name : files.protect_names) add_name(name, path);
      if (kind == Kind::kLink) add_entered(path);
    }
    for (const auto* patterns : {&files.hide, &files.protect}) {
      for (const policy::Glob& pattern : *patterns) {
        if (pattern.is_literal() && real(pattern.literal())) add_link(pattern.literal());
      }
    }
  }

  [[nodiscard]] Seen seen(const std::string& path) const {
    enum class State : std::uint8_t { kReadable, kWritable, kGone } state = State::kReadable;
    bool is_protected = false;
    for (const std::string& at : prefixes(path)) {
      is_protected = is_protected || protected_.contains(at);
      if (files_.write.contains(at)) {
        state = State::kWritable;
      } else if (files_.read.contains(at)) {
        if (state == State::kGone) state = State::kReadable;
      } else if (scratch_.contains(at) || hidden_.contains(at)) {
        state = State::kGone;
      }
    }
    if (state == State::kGone) return Seen::kInvisible;
    return state == State::kWritable && !is_protected ? Seen::kWritable : Seen::kReadable;
  }

  // Folders that must not be renamed away: those that a protected name names.
  [[nodiscard]] const std::set<std::string>& holders() const { return holders_; }
  [[nodiscard]] const std::set<std::string>& named() const { return named_; }
  // Links that must not be pointed elsewhere.
  [[nodiscard]] const std::set<std::string>& links() const { return links_; }

  // A private folder that can be written inside.
  [[nodiscard]] bool is_scratch(const std::string& path) const {
    bool scratch = false;
    for (const std::string& at : prefixes(path)) {
      if (files_.write.contains(at) || files_.read.contains(at)) {
        scratch = false;
      } else if (scratch_.contains(at)) {
        scratch = true;
      }
    }
    return scratch;
  }

 private:
  enum class Granted : std::uint8_t { kSkip, kKeep };

  [[nodiscard]] bool is_folder(const std::string& path) const {
    const auto at = tree_.entries.find(path);
    return path == tree_.root || (at != tree_.entries.end() && at->second == Kind::kFolder);
  }

  [[nodiscard]] std::vector<std::string> prefixes(const std::string& path) const {
    std::vector<std::string> all = {tree_.root};
    for (const std::string& name : names_in(path.substr(tree_.root.size()))) {
      all.push_back(all.back() + "/" + name);
    }
    return all;
  }

  [[nodiscard]] bool is_granted(const std::string& path) const {
    return files_.write.contains(path) || files_.read.contains(path) || scratch_.contains(path);
  }

  // True if `path` is seen though it lies below the match `above`.
  [[nodiscard]] bool is_hole(const std::string& above, const std::string& path) const {
    for (const auto* grants : {&files_.write, &files_.read}) {
      for (const std::string& grant : *grants) {
        if (is_within(grant, above) && is_below(path, grant)) return true;
      }
    }
    return false;
  }

  // Below a match nothing more is looked for, unless it is granted there.
  void add_matches(const policy::Glob& pattern, std::set<std::string>& places, Granted granted) {
    if (pattern.is_literal()) {
      const auto place = real(pattern.literal());
      if (!place) return;
      // A link that meets a grant; the same path in both lists is a contradiction.
      if (granted == Granted::kSkip && is_granted(*place)) return;
      places.insert(*place);
      return;
    }
    const std::vector<std::string> parts = names_in(pattern.text());
    std::set<std::string> found;
    for (const auto& [path, kind] : tree_.entries) {
      if (!matches(parts, names_in(path))) continue;
      const bool covered = std::any_of(found.begin(), found.end(), [&](const std::string& above) {
        return is_below(path, above) && !(granted == Granted::kSkip && is_hole(above, path));
      });
      if (covered) continue;
      found.insert(path);
      const auto place = real(path);
      if (place && !(granted == Granted::kSkip && is_granted(*place))) places.insert(*place);
    }
  }

  void add_name(const policy::Glob& name, const std::string& path) {
    const std::vector<std::string> pattern = names_in(name.text());
    const std::vector<std::string> names = names_in(path);
    if (pattern.front() == ".git" && pattern.size() > 1 && names.back() == ".git") {
      const auto place = real(path);
      if (!place || !is_folder(*place)) add_named(path, place, names.size());
    }
    for (std::size_t from = 0; from < names.size(); ++from) {
      if (!matches(pattern, {names.begin() + static_cast<std::ptrdiff_t>(from), names.end()})) {
        continue;
      }
      add_named(path, real(path), from + 1);
      return;
    }
  }

  // What is found under the name of a link to a folder, if a pattern starts with that name.
  void add_entered(const std::string& link) {
    const auto folder = real(link);
    if (!folder || !is_folder(*folder) || !is_scanned(link) || is_name(link)) return;
    const std::string last = names_in(link).back();
    const auto starts = [&](const policy::Glob& name) {
      return name.text().starts_with(last + "/");
    };
    if (std::none_of(files_.protect_names.begin(), files_.protect_names.end(), starts)) return;
    add_link(link);
    if (!in_writable(*folder)) return;
    for (const auto& [path, kind] : tree_.entries) {
      if (!is_below(path, *folder)) continue;
      const std::string entered = link + path.substr(folder->size());
      for (const policy::Glob& name : files_.protect_names) add_name(name, entered);
    }
  }

  void add_link(const std::string& path) {
    const auto at = tree_.entries.find(path);
    if (at == tree_.entries.end() || at->second != Kind::kLink || !in_writable(path)) return;
    links_.insert(path);
    add_holders(path, names_in(path).size() - 1);
  }

  // Where `path`, which may lead through a link to a folder, stands.
  [[nodiscard]] static std::string standing(const std::string& path) {
    const auto folder = real(std::string(parent_path(path)));
    return folder ? *folder + path.substr(path.rfind('/')) : path;
  }

  // `first`: the first of the path's names that is no holder's any more, counted from 1.
  void add_named(const std::string& path, const std::optional<std::string>& place,
                 std::size_t first) {
    if (!is_scanned(path)) return;
    add_link(standing(path));
    if (!place || !in_writable(*place)) return;
    protected_.insert(*place);
    named_.insert(*place);
    const std::size_t size = names_in(path).size();
    if (standing(path) == path) add_holders(path, size > first ? size - first : 0);
    if (*place != path) add_holders(*place, names_in(*place).size() - 1);
  }

  void add_holders(std::string path, std::size_t count) {
    for (; count > 0; --count) {
      path = parent_path(path);
      if (in_writable(path)) holders_.insert(path);
    }
  }

  [[nodiscard]] bool in_writable(const std::string& path) const {
    return std::any_of(files_.write.begin(), files_.write.end(),
                       [&](const std::string& root) { return is_within(path, root); });
  }

  // Looked at from some writable folder: nothing hidden, private, taken already or a
  // store of git's lies between.
  [[nodiscard]] bool is_scanned(const std::string& path) const {
    return std::any_of(files_.write.begin(), files_.write.end(), [&](const std::string& root) {
      if (!is_below(path, root)) return false;
      std::string at = path;
      for (bool itself = true; at != root; at = parent_path(at), itself = false) {
        const std::string place = standing(at);
        if (scratch_.contains(place) || hidden_.contains(place)) return false;
        if (itself) continue;
        if (at.ends_with("/.git/objects") || is_name(at)) return false;
      }
      return true;
    });
  }

  [[nodiscard]] bool is_name(const std::string& path) const {
    const std::vector<std::string> names = names_in(path);
    return std::any_of(files_.protect_names.begin(), files_.protect_names.end(),
                       [&](const policy::Glob& name) {
                         for (std::size_t from = 0; from < names.size(); ++from) {
                           const auto first = names.begin() + static_cast<std::ptrdiff_t>(from);
                           if (matches(names_in(name.text()), {first, names.end()})) return true;
                         }
                         return false;
                       });
  }

  const Tree& tree_;
  const FilesPolicy& files_;
  std::set<std::string> scratch_;
  std::set<std::string> hidden_;
  std::set<std::string> protected_;
  std::set<std::string> named_;
  std::set<std::string> holders_;
  std::set<std::string> links_;
};

// ---------------------------------------------------------------- the interpreter

struct Mount {
  enum class From : std::uint8_t { kHost, kPrivate, kMask };
  From from = From::kHost;
  std::size_t parent = 0;
  std::string target;                // where it is attached
  std::string host;                  // of kHost: what of the host is there
  bool read_only = true;             // of the mount
  std::map<std::string, Kind> made;  // of kPrivate: what was made in it
};

// Mounts as the kernel keeps them: each is attached to a place in another one, and
// what is attached to a place that another mount covers can no longer be reached.
class Machine {
 public:
  explicit Machine(const Tree& tree) : tree_(tree) { mounts_.push_back({}); }

  void run(const MountPlan& plan) {
    for (const MountStep& step : plan.steps) perform(plan, step);
    for (const MountStep& step : plan.steps) verify(step);
  }

  [[nodiscard]] Seen seen(const std::string& path) const {
    const std::optional<Found> found = find(path);
    if (!found || found->mount->from != Mount::From::kHost || found->host != path) {
      return Seen::kInvisible;
    }
    return found->mount->read_only ? Seen::kReadable : Seen::kWritable;
  }

  [[nodiscard]] bool is_private_and_writable(const std::string& path) const {
    const std::optional<Found> found = find(path);
    return found && found->mount->from == Mount::From::kPrivate && !found->mount->read_only;
  }

  [[nodiscard]] bool is_mount_point(const std::string& path) const {
    const std::optional<Found> found = find(path);
    return found && found->mount->target == path;
  }

 private:
  struct Found {
    const Mount* mount = nullptr;
    std::size_t index = 0;
    std::string host;  // of kHost: the path of the host that is seen
    Kind kind = Kind::kFolder;
  };

  // Walks to `path` from the root, into every mount on the way. nullopt if nothing is there.
  [[nodiscard]] std::optional<Found> find(const std::string& path) const {
    std::size_t mount = 0;
    std::optional<Found> found = at(mount, "/");
    std::string here;
    for (const std::string& name : names_in(path)) {
      here += "/" + name;
      found = at(mount, here);
      if (!found) return std::nullopt;
      for (std::size_t i = 0; i < mounts_.size(); ++i) {
        if (i == 0 || mounts_[i].parent != mount || mounts_[i].target != here) continue;
        mount = i;
        i = 0;  // another may stand on this one
        found = at(mount, here);
      }
      if (found->kind != Kind::kFolder && here != path) return std::nullopt;
    }
    return found;
  }

  [[nodiscard]] std::optional<Found> at(std::size_t index, const std::string& path) const {
    const Mount& mount = mounts_[index];
    const std::string below = mount.target.empty() ? path : path.substr(mount.target.size());
    if (mount.from == Mount::From::kHost) {
      const std::string host = mount.host + below;
      if (is_within(tree_.root, host)) return Found{&mount, index, host, Kind::kFolder};
      const auto entry = tree_.entries.find(host);
      if (entry == tree_.entries.end()) return std::nullopt;
      return Found{&mount, index, host, entry->second};
    }
    const auto entry = mount.made.find(below);
    if (entry == mount.made.end()) return std::nullopt;
    return Found{&mount, index, "", entry->second};
  }

  void perform(const MountPlan& plan, const MountStep& step) {
    const bool read_only = (step.attributes & MOUNT_ATTR_RDONLY) != 0;
    if (step.op == MountOp::kMakeDir || step.op == MountOp::kMakeFile) return make(step);
    const std::optional<Found> found = find(step.target);
    ASSERT_TRUE(found) << step.target << " does not exist when it is mounted on";
    Mount mount{Mount::From::kPrivate, found->index, step.target, "", read_only, {}};
    mount.made[""] = found->kind;
    switch (step.op) {
      case MountOp::kPlace: {
        const MountSource& source = plan.sources.at(*step.source);
        mount.from = Mount::From::kHost;
        mount.host = source.path;
        mount.read_only = (source.attributes & MOUNT_ATTR_RDONLY) != 0;
        mount.made.clear();
        const auto entry = tree_.entries.find(source.path);
        const Kind kind = entry == tree_.entries.end() ? Kind::kFolder : entry->second;
        EXPECT_EQ(kind, found->kind) << step.target << ": a folder over a file";
        break;
      }
      case MountOp::kPrivate:
        EXPECT_EQ(found->kind, Kind::kFolder) << step.target;
        break;
      case MountOp::kRebind:
        mount = *found->mount;
        mount.parent = found->index;
        mount.target = step.target;
        mount.host = found->host;
        mount.read_only = mount.read_only || read_only;
        EXPECT_EQ(mount.from, Mount::From::kHost) << step.target;
        for (const Mount& other : mounts_) {
          EXPECT_FALSE(is_below(other.target, step.target)) << "covers " << other.target;
        }
        break;
      case MountOp::kRestrict:
        ASSERT_EQ(found->mount->target, step.target) << "no mount is there";
        mounts_[found->index].read_only = mounts_[found->index].read_only || read_only;
        return;
      case MountOp::kHideDir:
      case MountOp::kHideFile:
        EXPECT_EQ(found->kind == Kind::kFolder, step.op == MountOp::kHideDir) << step.target;
        mount.from = Mount::From::kMask;
        mount.read_only = true;
        break;
      default:
        FAIL() << "not a step of file rules";
    }
    mounts_.push_back(std::move(mount));
  }

  void make(const MountStep& step) {
    const std::optional<Found> parent = find(std::string(parent_path(step.target)));
    ASSERT_TRUE(parent) << "no folder to make " << step.target << " in";
    ASSERT_EQ(parent->mount->from, Mount::From::kPrivate) << step.target << " of the host's";
    ASSERT_FALSE(parent->mount->read_only) << step.target;
    ASSERT_FALSE(find(step.target)) << step.target << " is made twice";
    Mount& mount = mounts_[parent->index];
    mount.made[step.target.substr(mount.target.size())] =
        step.op == MountOp::kMakeDir ? Kind::kFolder : Kind::kFile;
  }

  // As the launcher does in the end: what was mounted is what stands there.
  void verify(const MountStep& step) const {
    if (step.op == MountOp::kMakeDir || step.op == MountOp::kMakeFile) return;
    EXPECT_TRUE(is_mount_point(step.target)) << step.target << " was covered again";
  }

  const Tree& tree_;
  std::vector<Mount> mounts_;
};

// ---------------------------------------------------------------- chance

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  [[nodiscard]] std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  [[nodiscard]] bool one_in(std::size_t n) { return below(n) == 0; }
  template <typename T>
  [[nodiscard]] const T& of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

 private:
  std::mt19937 random_;
};

// Names that sort before and after '/', that patterns match, and that git knows.
const std::vector<std::string> kNames = {"a",    "b",     "a-",     "a.x",   "x",
                                         ".git", "hooks", "config", ".git-", "objects"};

void grow(Tree& tree, Chance& chance, const std::string& folder, int depth) {
  for (std::size_t i = 1 + chance.below(3); i > 0; --i) {
    const std::string path = folder + "/" + chance.of(kNames);
    if (tree.entries.contains(path)) continue;
    if (depth < 5 && !chance.one_in(5)) {
      std::filesystem::create_directory(path);
      tree.entries[path] = Kind::kFolder;
      grow(tree, chance, path, depth + 1);
    } else {
      std::filesystem::copy_file("/proc/self/comm", path);
      tree.entries[path] = Kind::kFile;
    }
  }
}

std::vector<std::string> paths_of(const Tree& tree) {
  std::vector<std::string> paths;
  for (const auto& [path, kind] : tree.entries) {
    if (kind != Kind::kLink) paths.push_back(path);
  }
  return paths;
}

void add_links(Tree& tree, Chance& chance) {
  const std::vector<std::string> paths = paths_of(tree);
  for (std::size_t i = chance.below(4); i > 0; --i) {
    std::string folder = chance.of(paths);
    if (tree.entries[folder] != Kind::kFolder) continue;
    const std::string path = folder + "/" + chance.of(kNames);
    if (tree.entries.contains(path)) continue;
    std::filesystem::create_symlink(chance.one_in(6) ? "/nowhere/at/all" : chance.of(paths), path);
    tree.entries[path] = Kind::kLink;
  }
}

FilesPolicy random_policy(const Tree& tree, Chance& chance) {
  const std::vector<std::string> paths = paths_of(tree);
  std::vector<std::string> all = paths;
  for (const auto& [path, kind] : tree.entries) {
    if (kind == Kind::kLink) all.push_back(path);
  }
  const std::vector<std::string> patterns = {"**/a", "**/x",   "*",        "*/*", "*/b",
                                             "a*",   "**/*.x", "**/hooks", "?/?", "a/**/b"};
  const auto glob = [&] {
    return chance.one_in(3) ? glob_below(tree.root, chance.of(patterns))
                            : policy::Glob::of_literal(chance.of(all));
  };
  FilesPolicy files;
  for (std::size_t i = chance.below(4); i > 0; --i) files.write.insert(chance.of(paths));
  for (std::size_t i = chance.below(4); i > 0; --i) files.read.insert(chance.of(paths));
  for (std::size_t i = chance.below(3); i > 0; --i) files.scratch.insert(chance.of(all));
  for (std::size_t i = chance.below(4); i > 0; --i) files.hide.insert(glob());
  for (std::size_t i = chance.below(3); i > 0; --i) files.protect.insert(glob());
  const std::vector<std::string> names = {".git/hooks", ".git/**/config", "config", "a/x", "x*"};
  for (std::size_t i = chance.below(3); i > 0; --i) {
    files.protect_names.insert(policy::Glob::parse(chance.of(names)).value());
  }
  return files;
}

std::string text_of(const Tree& tree, const FilesPolicy& files, const MountPlan& plan) {
  std::string text = "tree:";
  const auto add = [&](const char* title, const auto& list, auto to_text) {
    text += std::string("\n") + title + ":";
    for (const auto& item : list) {
      const std::string path = to_text(item);
      text += "  " + (path.starts_with(tree.root) ? path.substr(tree.root.size()) : path);
    }
  };
  for (const auto& [path, kind] : tree.entries) {
    text += "\n  " + path.substr(tree.root.size());
    if (kind == Kind::kFolder) text += "/";
    if (kind == Kind::kLink) {
      const std::string target = std::filesystem::read_symlink(path);
      text += " -> " + (is_within(target, tree.root) ? target.substr(tree.root.size()) : target);
    }
  }
  const auto same = [](const std::string& path) { return path; };
  const auto pattern = [](const policy::Glob& glob) { return glob.text(); };
  add("write", files.write, same);
  add("read", files.read, same);
  add("scratch", files.scratch, same);
  add("hide", files.hide, pattern);
  add("protect", files.protect, pattern);
  add("protect_names", files.protect_names, pattern);
  text += "\nplan:";
  for (const std::string& step : words_of(plan, tree.root)) text += "\n  " + step;
  return text;
}

// ---------------------------------------------------------------- they agree

// How often each answer was right: a model that always says "readable" proves nothing.
struct Tally {
  std::map<Seen, int> seen;
  int scratch = 0;
  int holders = 0;
  int policies = 0;
};

void compare(const Tree& tree, const FilesPolicy& files, Tally& tally) {
  policy::Policy whole;
  whole.files = files;
  if (!policy::check(whole).ok()) return;
  const Planned planned = plan_files(files);
  ASSERT_TRUE(planned.plan.ok()) << planned.plan.error().message;
  const MountPlan& plan = planned.plan.value();
  SCOPED_TRACE(text_of(tree, files, plan));
  ++tally.policies;

  const Reference reference(tree, files);
  Machine machine(tree);
  machine.run(plan);
  for (const auto& [path, kind] : tree.entries) {
    if (kind == Kind::kLink) continue;  // no more than its folder is
    const std::string name = path.substr(tree.root.size());
    EXPECT_STREQ(word(machine.seen(path)), word(reference.seen(path))) << name;
    ++tally.seen[reference.seen(path)];
    if (kind != Kind::kFolder) continue;
    if (reference.is_scratch(path) && std::filesystem::exists(path) &&
        machine.is_mount_point(path)) {
      EXPECT_TRUE(machine.is_private_and_writable(path)) << name;
      ++tally.scratch;
    }
    if (!reference.is_scratch(path)) EXPECT_FALSE(machine.is_private_and_writable(path)) << name;
  }
  for (const auto* places : {&reference.holders(), &reference.named(), &reference.links()}) {
    for (const std::string& path : *places) {
      const std::string parent(parent_path(path));
      if (parent == tree.root || reference.seen(parent) != Seen::kWritable) continue;
      EXPECT_TRUE(machine.is_mount_point(path)) << path << " can be renamed away";
      ++tally.holders;
    }
  }
  for (const MountSource& source : plan.sources) {
    const auto users = std::count_if(plan.steps.begin(), plan.steps.end(), [&](const auto& step) {
      return step.source && &plan.sources.at(*step.source) == &source;
    });
    EXPECT_EQ(users, 1) << source.path;
  }
}

class MountsModel : public testing::TestWithParam<bool> {};

TEST_P(MountsModel, AgreesWithWhatThePlannedStepsDo) {
  constexpr unsigned kTrees = 150;
  constexpr int kPolicies = 40;
  Tally tally;
  for (unsigned seed = 0; seed < kTrees && !HasFailure(); ++seed) {
    const sys::TestFolder folder;
    Chance chance(seed);
    Tree tree{folder.path(), {}};
    grow(tree, chance, folder.path(), 0);
    if (GetParam()) add_links(tree, chance);
    for (int i = 0; i < kPolicies && !HasFailure(); ++i) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", policy " + std::to_string(i));
      compare(tree, random_policy(tree, chance), tally);
    }
  }
  if (HasFailure()) return;
  std::printf("%d policies; paths: %d invisible, %d readable, %d writable; %d scratch, %d held\n",
              tally.policies, tally.seen[Seen::kInvisible], tally.seen[Seen::kReadable],
              tally.seen[Seen::kWritable], tally.scratch, tally.holders);
  EXPECT_GT(tally.policies, 1000);
  for (const Seen seen : {Seen::kInvisible, Seen::kReadable, Seen::kWritable}) {
    EXPECT_GT(tally.seen[seen], 1000) << word(seen);
  }
  EXPECT_GT(tally.scratch, 100);
  EXPECT_GT(tally.holders, 100);
}

INSTANTIATE_TEST_SUITE_P(, MountsModel, testing::Bool(), [](const auto& links) {
  return links.param ? "WithLinks" : "WithoutLinks";
});

}  // namespace
}  // namespace carrel::plan
