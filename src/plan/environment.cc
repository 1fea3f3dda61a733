#include "plan/environment.h"

#include <algorithm>
#include <map>

namespace carrel::plan {
namespace {

// Only what the sandbox has of its own. An address of the host's network goes to
// the proxy, which may reach it or says why not.
constexpr char kDirect[] = "localhost,127.0.0.1,::1";

bool passes(const std::set<std::string>& pass, const std::string& name) {
  if (pass.contains(name)) return true;
  return std::any_of(pass.begin(), pass.end(), [&](const std::string& pattern) {
    return pattern.ends_with('*') &&
           name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  });
}

std::string java_options(const std::string& port) {
  std::string options;
  for (const std::string scheme : {"http", "https"}) {
    options += "-D" + scheme + ".proxyHost=localhost -D" + scheme + ".proxyPort=" + port + " ";
  }
  return options + "-Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]";
}

std::string ssh_command(const Proxies& proxies) {
  const std::string command =
      proxies.helper.empty()
          ? "nc -X 5 -x localhost:" + std::to_string(proxies.socks_port) + " %h %p"
          : proxies.helper + " connect %h %p";
  // A shared connection would need a Unix socket.
  return "ssh -o ControlMaster=no -o ControlPath=none -o ProxyCommand='" + command + "'";
}

void add_proxies(std::map<std::string, std::string>& variables, const Proxies& proxies) {
  const std::string port = std::to_string(proxies.http_port);
  const std::string http = "http://localhost:" + port;
  const std::string socks = "socks5h://localhost:" + std::to_string(proxies.socks_port);
  for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
                           "DOCKER_HTTP_PROXY", "DOCKER_HTTPS_PROXY", "YARN_HTTP_PROXY",
                           "YARN_HTTPS_PROXY", "npm_config_proxy", "npm_config_https_proxy"}) {
    variables.try_emplace(name, http);
  }
  for (const char* name :
       {"ALL_PROXY", "FTP_PROXY", "GRPC_PROXY", "all_proxy", "ftp_proxy", "grpc_proxy"}) {
    variables.try_emplace(name, socks);
  }
  for (const char* name : {"NO_PROXY", "no_proxy"}) variables.try_emplace(name, kDirect);
  variables.try_emplace("RSYNC_PROXY", "localhost:" + port);
  variables.try_emplace("CLOUDSDK_PROXY_TYPE", "http");
  variables.try_emplace("CLOUDSDK_PROXY_ADDRESS", "localhost");
  variables.try_emplace("CLOUDSDK_PROXY_PORT", port);
  variables.try_emplace("NODE_USE_ENV_PROXY", "1");  // fetch of Node 24
  variables.try_emplace("JAVA_TOOL_OPTIONS", java_options(port));
  variables.try_emplace("GIT_SSH_COMMAND", ssh_command(proxies));
}

// OpenSSL, Go and Ruby; Node, which has certificates of its own compiled in;
// Python's requests and httpx; curl; git; cargo; pip; AWS's tools; Deno; Nix;
// Google's tools; gRPC.
void add_trust(std::map<std::string, std::string>& variables, const std::string& file) {
  for (const char* name :
       {"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO", "PIP_CERT", "AWS_CA_BUNDLE", "DENO_CERT",
        "NIX_SSL_CERT_FILE", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "HTTPLIB2_CA_CERTS"}) {
    variables.try_emplace(name, file);
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> plan_environment(
    const policy::EnvironmentPolicy& policy, const Machine& machine, const Proxies& proxies,
    const Overrides& overrides) {
  std::map<std::string, std::string> variables = policy.set;
  variables.insert(overrides.placeholders.begin(), overrides.placeholders.end());
  if (!overrides.ca_file.empty()) add_trust(variables, overrides.ca_file);
  for (const auto& [name, value] : machine.environment) {
    if (overrides.withheld.contains(name)) continue;
    if (passes(policy.pass, name)) variables.try_emplace(name, value);
  }
  if (machine.uid == 0) variables.try_emplace("TAR_OPTIONS", "--no-same-owner");
  if (proxies.http_port != 0) add_proxies(variables, proxies);
  return {variables.begin(), variables.end()};
}

}  // namespace carrel::plan
