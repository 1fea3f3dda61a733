#include "plan/environment.h"

#include <algorithm>
#include <map>

namespace carrel::plan {
namespace {

constexpr char kDirect[] =
    "localhost,127.0.0.1,::1,.local,169.254.0.0/16,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16";

bool passes(const std::set<std::string>& pass, const std::string& name) {
  if (pass.contains(name)) return true;
  return std::any_of(pass.begin(), pass.end(), [&](const std::string& pattern) {
    return pattern.ends_with('*') &&
           name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  });
}

void add_proxies(std::map<std::string, std::string>& variables, ProxyPorts proxies) {
  const std::string http = "http://localhost:" + std::to_string(proxies.http_port);
  const std::string socks = "socks5h://localhost:" + std::to_string(proxies.socks_port);
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
                           "DOCKER_HTTP_PROXY", "DOCKER_HTTPS_PROXY"}) {
    variables.try_emplace(name, http);
  }
  for (const char* name :
       {"ALL_PROXY", "FTP_PROXY", "GRPC_PROXY", "all_proxy", "ftp_proxy", "grpc_proxy"}) {
    variables.try_emplace(name, socks);
  }
  for (const char* name : {"NO_PROXY", "no_proxy"}) variables.try_emplace(name, kDirect);
  variables.try_emplace("RSYNC_PROXY", "localhost:" + std::to_string(proxies.http_port));
  variables.try_emplace("CLOUDSDK_PROXY_TYPE", "http");
  variables.try_emplace("CLOUDSDK_PROXY_ADDRESS", "localhost");
  variables.try_emplace("CLOUDSDK_PROXY_PORT", std::to_string(proxies.http_port));
  variables.try_emplace("GIT_SSH_COMMAND", "ssh -o ProxyCommand='nc -X 5 -x localhost:" +
                                               std::to_string(proxies.socks_port) + " %h %p'");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> plan_environment(
    const policy::EnvironmentPolicy& policy, const Machine& machine, ProxyPorts proxies) {
  std::map<std::string, std::string> variables = policy.set;
  for (const auto& [name, value] : machine.environment) {
    if (passes(policy.pass, name)) variables.try_emplace(name, value);
  }
  if (machine.uid == 0) variables.try_emplace("TAR_OPTIONS", "--no-same-owner");
  if (proxies.http_port != 0) add_proxies(variables, proxies);
  return {variables.begin(), variables.end()};
}

}  // namespace carrel::plan
