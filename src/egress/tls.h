// TLS through OpenSSL, as both ends need it. Nothing of OpenSSL runs before the
// first of these is made: a start that uses no TLS does not pay for it.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "egress/certificate.h"
#include "egress/destination.h"

namespace carrel::egress {

struct SslFree {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;
using SslContext = std::unique_ptr<SSL_CTX, SslFree>;

// Which protocols are offered or taken, in the order of preference (RFC 7301).
enum class Alpn : std::uint8_t { kHttp1, kHttp2First };

// What this machine trusts: the first of SSL_CERT_FILE and the usual places that
// is there. kNotFound with what to do about it.
[[nodiscard]] std::vector<std::string> usual_ca_bundles();
[[nodiscard]] Result<std::string> find_ca_bundle(const std::string& ssl_cert_file);

// The contexts of one engine: towards servers, whose certificates are verified
// against the machine's bundle, and towards clients inside.
class Tls {
 public:
  // `ca_bundle` is read when a server is first spoken to; `authority` may be null
  // where nothing is inspected.
  Tls(std::string ca_bundle, std::unique_ptr<Authority> authority);

  // For a connection to `host`, whose name or address the certificate must bear.
  [[nodiscard]] Result<SslPtr> to_server(const Host& host, Alpn alpn);
  // For a client that believes to speak to `host`.
  [[nodiscard]] Result<SslPtr> to_client(const Host& host, Alpn alpn);

 private:
  Status open_client_context();
  Status open_server_context();

  std::string ca_bundle_;
  std::unique_ptr<Authority> authority_;
  SslContext towards_servers_;
  SslContext towards_clients_;
  std::map<std::string, X509Ptr> leaves_;
};

// Why the last operation failed, in one line: of the peer's certificate, if it is
// that, else the first error of OpenSSL's queue, which is emptied.
[[nodiscard]] std::string tls_failure(const SSL* ssl);

}  // namespace carrel::egress
