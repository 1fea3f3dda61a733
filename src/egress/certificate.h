// The certificate authority of one run: made at its start, trusted inside alone,
// gone with the engine.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "egress/destination.h"

namespace carrel::egress {

struct OpensslFree {
  void operator()(X509* certificate) const { ::X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
using X509Ptr = std::unique_ptr<X509, OpensslFree>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree>;

// Sets OpenSSL up, without configuration files; once in a process, then nothing.
void use_openssl();

// Made by carrel before it forks the engine, because its certificate is part of
// the plan; carrel then destroys its copy, and the key is the engine's alone. (To
// ask the engine for it would make every start wait for the engine's.)
class Authority {
 public:
  // A P-256 key and a certificate for it.
  [[nodiscard]] static Result<Authority> make();

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] X509* certificate() const { return certificate_.get(); }
  // One key serves for all leaves: they end with the run that made them.
  [[nodiscard]] EVP_PKEY* leaf_key() const { return leaf_key_.get(); }
  // A certificate for `host` alone: its name, or its address.
  [[nodiscard]] Result<X509Ptr> leaf_for(const Host& host) const;

 private:
  KeyPtr key_;
  KeyPtr leaf_key_;
  X509Ptr certificate_;
};

}  // namespace carrel::egress
