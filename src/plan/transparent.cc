#include "plan/transparent.h"

#include <algorithm>
#include <set>

#include "plan/environment.h"
#include "plan/wire.h"
#include "policy/inside.h"
#include "sys/files.h"

namespace carrel::plan {
namespace {

using policy::Cidr;
using policy::HostName;
using policy::HostRule;
using policy::IpAddress;

// A longer file, such as a list of advertisers, is left as it is.
constexpr std::size_t kMaxHostsBytes = 64 << 10;
constexpr char kBlanks[] = " \t\r";

constexpr char kResolverFile[] =
    "# Carrel's own: the names that the policy allows are answered, and no others.\n"
    "nameserver 127.0.0.1\n";

bool is_loopback(const IpAddress& address) {
  if (address.is_v4()) return address.bytes()[0] == 127;
  return address == policy::ipv6_loopback();
}

// Can a connection be sent there by its address alone? Not to the loopback, to
// everybody, to nobody, or to a link that must be named besides.
bool is_routed(const Cidr& network) {
  const auto& bytes = network.base.bytes();
  if (network.base.is_v4()) {
    const bool own = network.prefix >= 8 && (bytes[0] == 0 || bytes[0] == 127);
    return !own && bytes[0] < 224;
  }
  const bool special = std::all_of(bytes.begin(), bytes.begin() + 8, [](auto b) { return b == 0; });
  return bytes[0] < 0xfe && !(special && network.prefix >= 96);
}

// The words of a line of /etc/hosts, without its comment.
std::vector<std::string_view> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t start = line.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return words;
    line.remove_prefix(start);
    const std::size_t size = std::min(line.find_first_of(kBlanks), line.size());
    words.push_back(line.substr(0, size));
    line.remove_prefix(size);
  }
}

// `line`, or what is left of it.
std::string line_inside(std::string_view line, const policy::NetworkPolicy& policy) {
  const std::vector<std::string_view> words = words_of(line);
  const Result<IpAddress> address = IpAddress::parse(words.empty() ? "" : words[0]);
  if (!address.ok() || is_loopback(address.value())) return std::string(line);
  std::vector<std::string_view> kept;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Result<HostName> name = HostName::parse(words[i]);
    if (!name.ok() || !policy::is_known_inside(policy, name.value())) kept.push_back(words[i]);
  }
  if (kept.size() + 1 == words.size()) return std::string(line);
  if (kept.empty()) return "";
  std::string left(words[0]);
  for (const std::string_view name : kept) left += " " + std::string(name);
  return left;
}

}  // namespace

std::vector<Cidr> transparent_routes(const policy::NetworkPolicy& policy) {
  std::set<Cidr> networks = {policy::name_network()};
  for (const HostRule& rule : policy.allow) {
    const auto* network = std::get_if<Cidr>(&rule.host);
    if (network == nullptr || !is_routed(*network) || networks.size() == wire::kMaxRoutes) continue;
    networks.insert(*network);
  }
  return {networks.begin(), networks.end()};
}

std::vector<std::uint16_t> transparent_ports(const policy::NetworkPolicy& policy) {
  std::set<std::uint16_t> ports;
  for (const HostRule& rule : policy.allow) {
    if (rule.port) {
      ports.insert(*rule.port);
    } else {
      ports.insert({22, 80, 443});
    }
  }
  for (const std::uint16_t own : policy::kProxyPorts) ports.erase(own);
  for (const policy::HostPort& own : policy.host_ports) ports.erase(own.port);
  while (ports.size() > wire::kMaxTransparentPorts) ports.erase(std::prev(ports.end()));
  return {ports.begin(), ports.end()};
}

std::optional<std::string> hosts_inside(std::string_view hosts,
                                        const policy::NetworkPolicy& policy) {
  std::string inside;
  bool same = true;
  while (!hosts.empty()) {
    const std::size_t end = std::min(hosts.find('\n'), hosts.size());
    const std::string_view line = hosts.substr(0, end);
    const std::string left = line_inside(line, policy);
    same = same && left == line;
    inside += left + "\n";
    hosts.remove_prefix(std::min(end + 1, hosts.size()));
  }
  if (same) return std::nullopt;
  return inside;
}

std::map<std::string, std::string> resolver_files(const policy::NetworkPolicy& policy) {
  std::map<std::string, std::string> files;
  if (const Result<std::string> path = sys::real_path("/etc/resolv.conf"); path.ok()) {
    files[path.value()] = kResolverFile;
  }
  const Result<std::string> path = sys::real_path("/etc/hosts");
  if (!path.ok()) return files;
  const Result<std::string> hosts = sys::read_file(path.value(), kMaxHostsBytes);
  if (!hosts.ok()) return files;
  if (std::optional<std::string> inside = hosts_inside(hosts.value(), policy)) {
    files[path.value()] = *std::move(inside);
  }
  return files;
}

}  // namespace carrel::plan
