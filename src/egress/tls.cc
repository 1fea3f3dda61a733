#include "egress/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <span>

#include "base/path.h"

namespace carrel::egress {
namespace {

// Where distributions keep what they trust: Debian, Fedora, older Red Hat, SUSE,
// Alpine and BSD.
constexpr std::array kBundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
constexpr std::size_t kMaxLeaves = 1024;

constexpr unsigned char kHttp2AndHttp1[] = "\2h2\10http/1.1";
constexpr unsigned char kHttp1[] = "\10http/1.1";

std::span<const unsigned char> protocols(Alpn alpn) {
  if (alpn == Alpn::kHttp2First) return {kHttp2AndHttp1, sizeof kHttp2AndHttp1 - 1};
  return {kHttp1, sizeof kHttp1 - 1};
}

Error failed(std::string_view what) {
  return Error{Errc::kSystem, std::string(what) + ": " + tls_failure(nullptr)};
}

// TLS 1.2 and newer; buffers are freed while a connection waits.
SslContext make_context(const SSL_METHOD* method) {
  SslContext context(::SSL_CTX_new(method));
  if (!context) return context;
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

// Takes the first of ours that the client offers; without any, goes on without.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void* argument) {
  const auto ours = protocols(*static_cast<const Alpn*>(argument));
  unsigned char* chosen = nullptr;
  if (::SSL_select_next_proto(&chosen, out_size, ours.data(), static_cast<unsigned>(ours.size()),
                              offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

constexpr Alpn kAlpns[] = {Alpn::kHttp1, Alpn::kHttp2First};

}  // namespace

std::vector<std::string> usual_ca_bundles() { return {kBundles.begin(), kBundles.end()}; }

Result<std::string> find_ca_bundle(const std::string& ssl_cert_file) {
  if (!ssl_cert_file.empty()) {
    if (::access(ssl_cert_file.c_str(), R_OK) == 0) return ssl_cert_file;
    return Error{Errc::kNotFound, "SSL_CERT_FILE is " + shell_quoted(ssl_cert_file) +
                                      ", which cannot be read; name a file of certificates, or "
                                      "unset it"};
  }
  for (const char* path : kBundles) {
    if (::access(path, R_OK) == 0) return std::string(path);
  }
  return Error{Errc::kNotFound,
               "this machine has no file of trusted certificates, against which servers could be "
               "verified; install the package ca-certificates, or set SSL_CERT_FILE"};
}

Tls::Tls(std::string ca_bundle, std::unique_ptr<Authority> authority)
    : ca_bundle_(std::move(ca_bundle)), authority_(std::move(authority)) {}

Status Tls::open_client_context() {
  if (towards_servers_) return Unit{};
  use_openssl();
  SslContext context = make_context(::TLS_client_method());
  if (!context) return failed("TLS");
  if (::SSL_CTX_load_verify_file(context.get(), ca_bundle_.c_str()) != 1) {
    return failed("the trusted certificates in " + shell_quoted(ca_bundle_) + " cannot be read");
  }
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  towards_servers_ = std::move(context);
  return Unit{};
}

Status Tls::open_server_context() {
  if (towards_clients_) return Unit{};
  if (!authority_) return Error{Errc::kUnsupported, "nothing is inspected in this sandbox"};
  use_openssl();
  SslContext context = make_context(::TLS_server_method());
  if (!context) return failed("TLS");
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  towards_clients_ = std::move(context);
  return Unit{};
}

Result<SslPtr> Tls::to_server(const Host& host, Alpn alpn) {
  CARREL_CHECK(open_client_context());
  SslPtr ssl(::SSL_new(towards_servers_.get()));
  if (!ssl) return failed("TLS");
  const std::string text = host_text(host);
  const auto offered = protocols(alpn);
  bool set =
      ::SSL_set_alpn_protos(ssl.get(), offered.data(), static_cast<unsigned>(offered.size())) == 0;
  if (std::holds_alternative<policy::HostName>(host)) {
    ::SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = set && ::SSL_set1_host(ssl.get(), text.c_str()) == 1 &&
          ::SSL_set_tlsext_host_name(ssl.get(), text.c_str()) == 1;
  } else {
    set = set && ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), text.c_str()) == 1;
  }
  if (!set) return failed("TLS");
  ::SSL_set_connect_state(ssl.get());
  return ssl;
}

Result<SslPtr> Tls::to_client(const Host& host, Alpn alpn) {
  CARREL_CHECK(open_server_context());
  const std::string text = host_text(host);
  auto leaf = leaves_.find(text);
  if (leaf == leaves_.end()) {
    if (leaves_.size() >= kMaxLeaves) leaves_.clear();
    CARREL_TRY(X509Ptr made, authority_->leaf_for(host));
    leaf = leaves_.emplace(text, std::move(made)).first;
  }
  // The choice is made in the context, which all connections share.
  ::SSL_CTX_set_alpn_select_cb(towards_clients_.get(), choose_protocol,
                               const_cast<Alpn*>(&kAlpns[alpn == Alpn::kHttp2First ? 1 : 0]));
  SslPtr ssl(::SSL_new(towards_clients_.get()));
  if (!ssl || ::SSL_use_certificate(ssl.get(), leaf->second.get()) != 1 ||
      ::SSL_use_PrivateKey(ssl.get(), authority_->leaf_key()) != 1) {
    return failed("TLS");
  }
  ::SSL_set_accept_state(ssl.get());
  return ssl;
}

std::string tls_failure(const SSL* ssl) {
  const unsigned long error = ::ERR_get_error();
  ::ERR_clear_error();
  const long verified = ssl == nullptr ? X509_V_OK : ::SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    return std::string("its certificate is not valid: ") +
           ::X509_verify_cert_error_string(verified);
  }
  if (error == 0) return "the connection broke";
  const char* const reason = ::ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

}  // namespace carrel::egress
