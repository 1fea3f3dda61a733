#include <gtest/gtest.h>

#include <ostream>

#include "base/path.h"
#include "plan/machine.h"

namespace carrel::plan {
namespace {

// Texts of /proc/self/cgroup and /proc/self/mountinfo as they were found.
struct Layout {
  const char* name;
  const char* cgroup;
  const char* mountinfo;
  std::vector<CgroupParent> expected;  // of the controllers that plans use, and "" for v2
};

void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

std::vector<CgroupParent> used(const std::vector<CgroupParent>& all) {
  std::vector<CgroupParent> wanted;
  for (const CgroupParent& cgroup : all) {
    const std::string& name = cgroup.controller;
    if (name.empty() || name == "memory" || name == "pids" || name == "cpu") {
      wanted.push_back(cgroup);
    }
  }
  return wanted;
}

class CgroupLayouts : public testing::TestWithParam<Layout> {};

TEST_P(CgroupLayouts, NameTheFolders) {
  const auto found = used(parse_cgroups(GetParam().cgroup, GetParam().mountinfo));
  ASSERT_EQ(found.size(), GetParam().expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].controller, GetParam().expected[i].controller) << i;
    EXPECT_EQ(found[i].folder, GetParam().expected[i].folder) << i;
    EXPECT_EQ(found[i].v2, GetParam().expected[i].v2) << i;
  }
}

constexpr char kV2Mount[] =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 "
    "rw,nsdelegate,memory_recursiveprot\n";

// Debian 10, systemd in its hybrid layout.
constexpr char kHybridMounts[] =
    "25 19 0:22 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"
    "26 25 0:23 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate\n"
    "27 25 0:24 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
    "30 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:15 - cgroup cgroup rw,memory\n"
    "31 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:16 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:29 / /sys/fs/cgroup/pids rw,nosuid shared:17 - cgroup cgroup rw,pids\n"
    "33 25 0:30 / /sys/fs/cgroup/net_cls,net_prio rw shared:18 - cgroup cgroup "
    "rw,net_cls,net_prio\n";

INSTANTIATE_TEST_SUITE_P(
    , CgroupLayouts,
    testing::Values(
        Layout{"UserSessionOfSystemdV2",
               "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte.scope\n",
               kV2Mount,
               {{"",
                 "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/"
                 "vte.scope",
                 true}}},
        Layout{"RootOfV2", "0::/\n", kV2Mount, {{"", "/sys/fs/cgroup", true}}},
        Layout{"Hybrid",
               "6:net_cls,net_prio:/\n5:pids:/user.slice/user-0.slice/session-1.scope\n"
               "4:cpu,cpuacct:/user.slice\n3:memory:/user.slice\n"
               "1:name=systemd:/user.slice/user-0.slice/session-1.scope\n"
               "0::/user.slice/user-0.slice/session-1.scope\n",
               kHybridMounts,
               {{"pids", "/sys/fs/cgroup/pids/user.slice/user-0.slice/session-1.scope", false},
                {"cpu", "/sys/fs/cgroup/cpu,cpuacct/user.slice", false},
                {"memory", "/sys/fs/cgroup/memory/user.slice", false},
                {"", "/sys/fs/cgroup/unified/user.slice/user-0.slice/session-1.scope", true}}},
        Layout{"V1InTheOtherOrderOfControllers",
               "4:cpuacct,cpu:/a\n",
               "31 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n",
               {{"cpu", "/sys/fs/cgroup/cpu,cpuacct/a", false}}},
        Layout{"DockerWithItsCgroupNamespaceV2",
               "0::/\n",
               "1203 1202 0:29 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup "
               "rw,nsdelegate\n",
               {{"", "/sys/fs/cgroup", true}}},
        Layout{
            "DockerWithoutItsCgroupNamespaceV1",
            "5:pids:/docker/0123abcd\n3:memory:/docker/0123abcd\n",
            "803 802 0:30 /docker/0123abcd /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n"
            "804 802 0:27 /docker/0123abcd /sys/fs/cgroup/memory ro master:9 - cgroup cgroup "
            "rw,memory\n",
            {{"pids", "/sys/fs/cgroup/pids", false}, {"memory", "/sys/fs/cgroup/memory", false}}},
        Layout{"BelowWhatIsMountedV1",
               "3:memory:/docker/0123abcd/inner\n",
               "804 802 0:27 /docker/0123abcd /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
               {{"memory", "/sys/fs/cgroup/memory/inner", false}}},
        Layout{"OutsideOfWhatIsMounted",
               "3:memory:/docker/0123abcdef\n",
               "804 802 0:27 /docker/0123abcd /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
               {}},
        Layout{"AboveTheNamespacesRoot", "0::/../../elsewhere\n", kV2Mount, {}},
        Layout{"ThisProjectsBuildMachine",
               "9:name=systemd:/\n8:pids:/\n4:memory:/process_api/8e47\n1:cpu:/\n0::/\n",
               "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
               "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
               "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
               "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
               "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
               {{"pids", "/sys/fs/cgroup/pids", false},
                {"memory", "/sys/fs/cgroup/memory/process_api/8e47", false},
                {"cpu", "/sys/fs/cgroup/cpu", false},
                {"", "/sys/fs/cgroup/unified", true}}},
        Layout{"NoCgroups",
               "0::/\n",
               "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
               "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n",
               {}},
        Layout{"EscapesInThePathOfTheMount",
               "0::/\n",
               "30 23 0:26 / /mnt/my\\040c\\134groups rw - cgroup2 cgroup rw\n",
               {{"", "/mnt/my c\\groups", true}}},
        Layout{"ColonsInTheName", "0::/a:b/c\n", kV2Mount, {{"", "/sys/fs/cgroup/a:b/c", true}}},
        Layout{"NoOptionalFields",
               "0::/x\n",
               "29 23 0:26 / /cg rw - cgroup2 none rw",
               {{"", "/cg/x", true}}}),
    [](const auto& layout) { return std::string(layout.param.name); });

TEST(ParseCgroups, PassesOverWhatItCannotRead) {
  for (const char* cgroup : {"", "\n\n", "0", "0:", "0::", ":::", "garbage\n0:\n"}) {
    for (const char* mounts : {"", "\n", "-", "1 2 3 4 5 -", "1 2 3 / /x rw - cgroup2",
                               "1 2 3 / /x rw - cgroup2 a", "- - - - - - - - -"}) {
      EXPECT_TRUE(parse_cgroups(cgroup, mounts).empty()) << cgroup << " | " << mounts;
    }
  }
}

}  // namespace
}  // namespace carrel::plan
