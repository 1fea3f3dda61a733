// "socket-families": an allow-list. The network namespace is what keeps a
// command off the network; this keeps it off vsock, which has no namespace,
// off the host's Unix sockets, and off protocol modules that the kernel would
// load for the asking.
#include <netinet/in.h>
#include <sys/socket.h>

#include <string_view>
#include <vector>

#include "plan/filters_internal.h"
#include "plan/filters_numbers.h"

namespace carrel::plan::internal {
namespace {

constexpr CallName kSocket{"socket", SYS_socket};
constexpr CallName kSocketpair{"socketpair", SYS_socketpair};
constexpr std::uint32_t kTypeMask = 0xf;  // the rest of `type` is SOCK_CLOEXEC, SOCK_NONBLOCK

constexpr std::string_view kOtherFamily =
    "only IPv4, IPv6, routing netlink and Unix sockets: every other family leaves by another way, "
    "or is a module loaded on demand";
constexpr std::string_view kOtherProtocol =
    "only TCP, UDP and ICMP: other protocols are modules loaded on demand, and often broken";

struct Family {
  std::string_view name;
  std::uint32_t number;
};

// All up to AF_NETLINK that are not let through. Newer ones are above it.
constexpr Family kOldFamilies[] = {
    {"AF_UNSPEC", AF_UNSPEC},   {"AF_AX25", AF_AX25},
    {"AF_IPX", AF_IPX},         {"AF_APPLETALK", AF_APPLETALK},
    {"AF_NETROM", AF_NETROM},   {"AF_BRIDGE", AF_BRIDGE},
    {"AF_ATMPVC", AF_ATMPVC},   {"AF_X25", AF_X25},
    {"AF_ROSE", AF_ROSE},       {"AF_DECnet", AF_DECnet},
    {"AF_NETBEUI", AF_NETBEUI}, {"AF_SECURITY", AF_SECURITY},
    {"AF_KEY", AF_KEY},
};

Condition above(std::uint32_t index, std::uint32_t value) {
  return {.index = index, .test = Condition::Test::kGreater, .value = value};
}

Condition type_is(std::uint32_t type) { return {.index = 1, .mask = kTypeMask, .value = type}; }

void refuse_families(std::vector<Rule>& rules, policy::UnixSockets unix_sockets) {
  for (const Family& family : kOldFamilies) {
    refuse(rules, kSocket, family.name, {is(0, family.number)}, Refusal::kNoSuchFamily,
           kOtherFamily);
  }
  refuse(rules, kSocket, "families above AF_NETLINK", {above(0, AF_NETLINK)},
         Refusal::kNoSuchFamily, kOtherFamily);
  if (unix_sockets == policy::UnixSockets::kNone) {
    refuse(rules, kSocket, "AF_UNIX", {is(0, AF_UNIX)}, Refusal::kAccess,
           "every service of the host that listens on a path could be asked");
  }
}

void refuse_protocols(std::vector<Rule>& rules) {
  refuse(rules, kSocket, "AF_NETLINK, protocols other than NETLINK_ROUTE",
         {is(0, AF_NETLINK), {.index = 2, .test = Condition::Test::kNotEqual, .value = 0}},
         Refusal::kNoSuchProtocol, "only routing netlink, which programs list interfaces with");

  struct Type {
    std::string_view over_ipv4, over_ipv6;
    std::uint32_t number;
    Refusal refusal;
    std::string_view reason;
  };
  constexpr std::string_view kRaw = "packets made by hand";
  constexpr Type kTypes[] = {
      {"AF_INET, SOCK_RAW", "AF_INET6, SOCK_RAW", SOCK_RAW, Refusal::kNotPermitted, kRaw},
      {"AF_INET, SOCK_PACKET", "AF_INET6, SOCK_PACKET", SOCK_PACKET, Refusal::kNotPermitted, kRaw},
      {"AF_INET, SOCK_SEQPACKET", "AF_INET6, SOCK_SEQPACKET", SOCK_SEQPACKET,
       Refusal::kNoSuchProtocol, kOtherProtocol},
      {"AF_INET, SOCK_DCCP", "AF_INET6, SOCK_DCCP", SOCK_DCCP, Refusal::kNoSuchProtocol,
       kOtherProtocol},
  };
  for (const Type& type : kTypes) {
    refuse(rules, kSocket, type.over_ipv4, {is(0, AF_INET), type_is(type.number)}, type.refusal,
           type.reason);
    refuse(rules, kSocket, type.over_ipv6, {is(0, AF_INET6), type_is(type.number)}, type.refusal,
           type.reason);
  }
  // SCTP, L2TP, UDP-Lite, MPTCP, RAW.
  refuse(rules, kSocket, "AF_INET, protocols above IPPROTO_ICMPV6",
         {is(0, AF_INET), above(2, IPPROTO_ICMPV6)}, Refusal::kNoSuchProtocol, kOtherProtocol);
  refuse(rules, kSocket, "AF_INET6, protocols above IPPROTO_ICMPV6",
         {is(0, AF_INET6), above(2, IPPROTO_ICMPV6)}, Refusal::kNoSuchProtocol, kOtherProtocol);
}

void refuse_pairs(std::vector<Rule>& rules, policy::UnixSockets unix_sockets) {
  constexpr std::string_view kReason = "pairs are made of Unix sockets only";
  refuse(rules, kSocketpair, "AF_UNSPEC", {is(0, AF_UNSPEC)}, Refusal::kNoSuchFamily, kReason);
  refuse(rules, kSocketpair, "families above AF_UNIX", {above(0, AF_UNIX)}, Refusal::kNoSuchFamily,
         kReason);
  if (unix_sockets == policy::UnixSockets::kNone) {
    // The kernel takes SOCK_RAW for SOCK_DGRAM here.
    constexpr std::string_view kDatagram =
        "unlike a stream, one end of a datagram pair can send to any other socket that has a path";
    refuse(rules, kSocketpair, "SOCK_DGRAM", {is(0, AF_UNIX), type_is(SOCK_DGRAM)},
           Refusal::kAccess, kDatagram);
    refuse(rules, kSocketpair, "SOCK_RAW", {is(0, AF_UNIX), type_is(SOCK_RAW)}, Refusal::kAccess,
           kDatagram);
  }
}

}  // namespace

std::vector<Rule> socket_family_rules(policy::UnixSockets unix_sockets) {
  std::vector<Rule> rules;
  rules.reserve(40);
  refuse_families(rules, unix_sockets);
  refuse_protocols(rules);
  refuse_pairs(rules, unix_sockets);
  return rules;
}

}  // namespace carrel::plan::internal
