#include <linux/mount.h>

#include <algorithm>
#include <set>

#include "base/path.h"
#include "plan/test_policy.h"

namespace carrel::plan {
namespace {

using wire::MountOp;
using Words = std::vector<std::string>;

MountPlan system_mounts(bool as_root, const std::set<std::string>& scratch = {}) {
  policy::FilesPolicy files;
  files.scratch = scratch;
  MountPlan plan;
  add_system_mounts(plan, {files, 1 << 20, as_root});
  plan.steps = all_steps(plan);
  return plan;
}

const Words kProc = {"proc /proc",          "protect /proc/sys",  "protect /proc/sysrq-trigger",
                     "protect /proc/irq",   "protect /proc/bus",  "protect /proc/fs",
                     "protect /proc/acpi",  "protect /proc/scsi", "protect /proc/pressure",
                     "hide-file /proc/keys"};
const Words kHiddenFromRoot = {"hide-file /proc/kcore",
                               "hide-file /proc/timer_list",
                               "hide-file /proc/kpagecount",
                               "hide-file /proc/kpageflags",
                               "hide-folder /sys/kernel/debug",
                               "hide-folder /sys/kernel/tracing",
                               "hide-folder /sys/kernel/security",
                               "hide-folder /sys/firmware",
                               "hide-folder /sys/fs/bpf",
                               "hide-folder /sys/fs/pstore"};
const Words kDev = {
    "private /dev",        "mkfile /dev/null",    "read /dev/null",     "mkfile /dev/zero",
    "read /dev/zero",      "mkfile /dev/full",    "read /dev/full",     "mkfile /dev/random",
    "read /dev/random",    "mkfile /dev/urandom", "read /dev/urandom",  "mkfile /dev/tty",
    "read /dev/tty",       "symlink /dev/fd",     "symlink /dev/stdin", "symlink /dev/stdout",
    "symlink /dev/stderr", "symlink /dev/ptmx",   "mkdir /dev/pts",     "devpts /dev/pts"};
const Words kShm = {"mkdir /dev/shm", "scratch /dev/shm"};
const Words kSealed = {"seal /dev"};

Words all_of(std::initializer_list<Words> parts) {
  Words all;
  for (const Words& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

TEST(SystemMounts, PutsFilesOfCarrelsOwnOverThoseOfTheHost) {
  MountPlan plan;
  policy::FilesPolicy files;
  MountRequest request{files, 0, false};
  request.own_files = {{"/dev/own", "made"}, {"/etc/own", std::string("a\0b", 3)}};
  add_system_mounts(plan, request);
  std::vector<MountStep> own;
  std::copy_if(plan.steps.begin(), plan.steps.end(), std::back_inserter(own),
               [](const MountStep& step) { return step.target.ends_with("/own"); });
  ASSERT_EQ(own.size(), 3u);
  EXPECT_EQ(own[0].op, MountOp::kMakeFile);  // in /dev nothing is there before
  EXPECT_EQ(own[1].op, MountOp::kFile);
  EXPECT_EQ(own[1].contents, "made");
  EXPECT_TRUE(own[1].trusted);
  EXPECT_EQ(own[2].op, MountOp::kFile);
  EXPECT_EQ(own[2].contents, std::string("a\0b", 3));
  EXPECT_FALSE(own[2].trusted);  // looked at again
  EXPECT_TRUE(own[2].optional);
  EXPECT_NE(own[2].attributes & MOUNT_ATTR_RDONLY, 0u);
}

TEST(SystemMounts, OfAnOrdinaryUserAreExactly) {
  EXPECT_EQ(words_of(system_mounts(false), "/none"), all_of({kProc, kDev, kSealed}));
}

TEST(SystemMounts, HoldTheHelperReadOnlyWhereThereIsOne) {
  MountPlan plan;
  add_system_mounts(plan, {{}, 1 << 20, false, "/opt/bin/carrel"});
  const auto at_helper = [](const MountStep& step) { return step.target == kHelper; };
  const auto made = std::find_if(plan.steps.begin(), plan.steps.end(), at_helper);
  ASSERT_NE(made, plan.steps.end());
  EXPECT_EQ(made->op, MountOp::kMakeFile);
  const auto placed = std::find_if(made + 1, plan.steps.end(), at_helper);
  ASSERT_NE(placed, plan.steps.end());
  ASSERT_TRUE(placed->source.has_value());
  const MountSource& source = plan.sources[*placed->source];
  EXPECT_EQ(source.path, "/opt/bin/carrel");
  EXPECT_FALSE(source.trusted);
  EXPECT_EQ(source.attributes, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

TEST(SystemMounts, OfRootHideWhatModesKeepFromOthers) {
  EXPECT_EQ(words_of(system_mounts(true), "/none"),
            all_of({kProc, kDev, kHiddenFromRoot, kSealed}));
}

TEST(SystemMounts, HideTheInterfacesOfTheHost) {
  MountPlan plan;
  add_system_mounts(plan, {{}, 1 << 20, false, "", {"/sys/class/net", "/sys/devices/pci/net"}});
  EXPECT_EQ(words_of(plan, "/none"),
            all_of({{"hide-folder /sys/class/net", "hide-folder /sys/devices/pci/net"}, kSealed}));
}

TEST(SystemMounts, HaveSharedMemoryOnlyIfItIsAskedFor) {
  EXPECT_EQ(words_of(system_mounts(false, {"/dev/shm"}), "/none"),
            all_of({kProc, kDev, kShm, kSealed}));
}

TEST(SystemMounts, SealDevOnceEverythingIsInIt) {
  for (const bool as_root : {false, true}) {
    const MountPlan plan = system_mounts(as_root, {"/dev/shm"});
    const MountStep& last = plan.steps.back();
    EXPECT_EQ(last.op, MountOp::kRestrict);
    EXPECT_EQ(last.target, "/dev");
    EXPECT_NE(last.attributes & MOUNT_ATTR_RDONLY, 0u);
  }
}

TEST(SystemMounts, ExecuteNothingAndTakeOnlyTheHarmlessDevices) {
  const MountPlan plan = system_mounts(true, {"/dev/shm"});
  for (const MountStep& step : plan.steps) {
    const bool private_place = step.op == MountOp::kProc || step.op == MountOp::kDevpts ||
                               step.op == MountOp::kPrivate || step.op == MountOp::kRebind;
    if (!private_place) continue;
    EXPECT_NE(step.attributes & MOUNT_ATTR_NOEXEC, 0u) << step.target;
    EXPECT_NE(step.attributes & MOUNT_ATTR_NOSUID, 0u) << step.target;
  }
  std::set<std::string> devices;
  for (const MountStep& step : plan.steps) {
    if (step.op == MountOp::kPlace) devices.insert(step.target);
  }
  EXPECT_EQ(devices, std::set<std::string>({"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                            "/dev/urandom", "/dev/tty"}));
  EXPECT_TRUE(plan.sources.empty());
}

TEST(SystemMounts, CountTheirSourcesFromThoseThatAreThere) {
  const sys::TestFolder folder;
  policy::FilesPolicy files;
  files.write = {folder.dir("a"), folder.dir("b")};
  MountPlan plan = plan_files(files).plan.value();
  add_system_mounts(plan, {files, 1 << 20, true});
  for (const MountStep& step : plan.steps) {
    if (step.op != MountOp::kPlace) continue;
    ASSERT_TRUE(step.source.has_value());
    EXPECT_EQ(plan.sources.at(*step.source).path, step.target);
  }
}

TEST(SystemMounts, AreOptionalExactlyWhereAKernelMayLackThePlace) {
  for (const MountStep& step : system_mounts(true, {"/dev/shm"}).steps) {
    const bool covers = step.op == MountOp::kRebind || step.op == MountOp::kHideDir ||
                        step.op == MountOp::kHideFile;
    EXPECT_EQ(step.optional, covers) << step.target;
    EXPECT_TRUE(step.trusted) << step.target;
    EXPECT_FALSE(step.why.empty()) << step.target;
  }
}

}  // namespace
}  // namespace carrel::plan
