// For tests: file policies below a test's folder, and the steps planned for them as words.
#pragma once

#include <gtest/gtest.h>
#include <linux/mount.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "plan/mounts.h"
#include "sys/test_folder.h"

namespace carrel::plan {

using Rules = std::vector<std::string>;

// Rules as a test writes them: paths and patterns relative to its folder.
struct RelativeFiles {
  Rules write = {};
  Rules read = {};
  Rules hide = {};
  Rules protect = {};
  Rules protect_names = {};
  Rules scratch = {};
};

[[nodiscard]] inline policy::Glob glob_below(const std::string& folder, const std::string& text) {
  return policy::Glob::parse(folder + "/" + text).value();
}

[[nodiscard]] inline policy::FilesPolicy files_below(const std::string& folder,
                                                     const RelativeFiles& rules) {
  policy::FilesPolicy files;
  for (const std::string& path : rules.write) files.write.insert(folder + "/" + path);
  for (const std::string& path : rules.read) files.read.insert(folder + "/" + path);
  for (const std::string& path : rules.scratch) files.scratch.insert(folder + "/" + path);
  for (const std::string& text : rules.hide) files.hide.insert(glob_below(folder, text));
  for (const std::string& text : rules.protect) files.protect.insert(glob_below(folder, text));
  for (const std::string& text : rules.protect_names) {
    files.protect_names.insert(policy::Glob::parse(text).value());
  }
  return files;
}

// "a/" is a folder, "a -> b" a link to b in the same folder, all else a file.
inline void make_tree(const sys::TestFolder& folder, const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::size_t arrow = entry.find(" -> ");
    if (arrow != std::string::npos) {
      folder.link(entry.substr(0, arrow), folder.path(entry.substr(arrow + 4)));
    } else if (entry.ends_with('/')) {
      folder.dir(entry.substr(0, entry.size() - 1));
    } else {
      folder.file(entry);
    }
  }
}

[[nodiscard]] inline std::string word_of(const MountStep& step) {
  using wire::MountOp;
  const bool read_only = (step.attributes & MOUNT_ATTR_RDONLY) != 0;
  switch (step.op) {
    case MountOp::kPlace:
      return read_only ? "read" : "write";
    case MountOp::kPrivate:
      return step.mode == 01777 ? "scratch" : step.mode == 0555 ? "empty" : "private";
    case MountOp::kMakeDir:
      return "mkdir";
    case MountOp::kMakeFile:
      return "mkfile";
    case MountOp::kMakeSymlink:
      return "symlink";
    case MountOp::kFile:
      return "file";
    case MountOp::kRebind:
      return read_only ? "protect" : "pin";
    case MountOp::kRestrict:
      return "seal";
    case MountOp::kHideDir:
      return "hide-folder";
    case MountOp::kHideFile:
      return "hide-file";
    case MountOp::kProc:
      return "proc";
    case MountOp::kDevpts:
      return "devpts";
  }
  return "?";
}

// "write w", "protect w/.git/hooks": the operation and the target below `folder`.
[[nodiscard]] inline std::vector<std::string> words_of(const MountPlan& plan,
                                                       const std::string& folder) {
  std::vector<std::string> words;
  for (const MountStep& step : plan.steps) {
    const bool inside = step.target.starts_with(folder + "/");
    words.push_back(word_of(step) + " " +
                    (inside ? step.target.substr(folder.size() + 1) : step.target));
  }
  return words;
}

struct Planned {
  Result<MountPlan> plan;
  std::vector<std::string> notes;
};

[[nodiscard]] inline Planned plan_files(const policy::FilesPolicy& files) {
  std::vector<std::string> notes;
  Result<MountPlan> plan = plan_mounts({files, 1 << 20, false}, notes);
  return {std::move(plan), std::move(notes)};
}

}  // namespace carrel::plan
