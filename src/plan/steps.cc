#include "plan/steps.h"

#include <cerrno>

namespace carrel::plan {

using wire::Step;

std::string describe(Step step) {
  switch (step) {
    case Step::kNone:
      return "start";
    case Step::kLoad:
      return "load the launcher";
    case Step::kReadPlan:
      return "read the plan";
    case Step::kSignals:
      return "take over signals";
    case Step::kControlSocket:
      return "make the control socket";
    case Step::kNamespaces:
      return "make the namespaces";
    case Step::kJoinCgroup:
      return "join the cgroup";
    case Step::kMapIds:
      return "map user and group IDs";
    case Step::kGroups:
      return "give up supplementary groups";
    case Step::kSession:
      return "start a session";
    case Step::kHostname:
      return "set the host name";
    case Step::kNetwork:
      return "make the network namespace";
    case Step::kLoopback:
      return "bring up the loopback interface";
    case Step::kRoute:
      return "route addresses to the proxy";
    case Step::kListener:
      return "listen for the proxy";
    case Step::kHandOut:
      return "hand out the listening sockets";
    case Step::kTakeSource:
      return "open";
    case Step::kSealRoot:
      return "make the file system read-only";
    case Step::kReopen:
      return "open the input again through a read-only mount: descriptor";
    case Step::kPrivate:
      return "make the private file system";
    case Step::kSystemMount:
      return "make the sandbox's own";
    case Step::kMount:
      return "mount over";
    case Step::kVerifyMount:
      return "find the planned mount at";
    case Step::kVerifyRoot:
      return "find the file system read-only";
    case Step::kProcessors:
      return "give back the processors";
    case Step::kWorkingDir:
      return "enter the working directory";
    case Step::kTerminal:
      return "set up the terminal";
    case Step::kLimit:
      return "set a limit";
    case Step::kCapabilities:
      return "drop capabilities";
    case Step::kNoNewPrivileges:
      return "forbid new privileges";
    case Step::kParentDeath:
      return "tie its life to carrel's";
    case Step::kDescriptors:
      return "close descriptors";
    case Step::kSeccomp:
      return "install the system-call filter";
    case Step::kFork:
      return "start a process";
    case Step::kExecute:
      return "execute the command";
    case Step::kProxy:
      return "keep its proxy";
    case Step::kLost:
      return "keep its first process";
  }
  return "continue";
}

std::string advice(Step step, int sys_errno) {
  const bool refused = sys_errno == EPERM || sys_errno == EACCES;
  switch (step) {
    case Step::kNamespaces:
      if (sys_errno == ENOSPC) return "raise user.max_user_namespaces; carrel doctor shows how";
      return "run carrel doctor: it tells what forbids user namespaces here, and what mends it";
    case Step::kMapIds:
    case Step::kNetwork:
    case Step::kLoopback:
    case Step::kSealRoot:
      if (refused) return "run carrel doctor: a security module restricts user namespaces here";
      return "run carrel doctor";
    case Step::kVerifyMount:
    case Step::kTakeSource:
      if (sys_errno == ELOOP)
        return "a folder on the way was replaced by a symbolic link; look who did that";
      if (sys_errno == ESTALE || sys_errno == ENOENT) {
        return "it changed while the sandbox was made; look who did that, then try again";
      }
      return "";
    case Step::kWorkingDir:
      if (sys_errno == ENOENT)
        return "it is hidden or does not exist inside; choose another with --cwd";
      return "choose another with --cwd";
    case Step::kReopen:
      return "the file was renamed or replaced since it was opened; give it through a pipe, as in "
             "cat FILE | carrel run ...";
    case Step::kDescriptors:
      return "name only descriptors that are open with --keep-fd";
    case Step::kHandOut:
      return "whoever holds the other end of --proxy-fd must keep it open until then";
    case Step::kSystemMount:
    case Step::kMount:
      if (refused) return "run carrel doctor";
      return "";
    default:
      return "";
  }
}

}  // namespace carrel::plan
