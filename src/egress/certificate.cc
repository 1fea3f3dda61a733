#include "egress/certificate.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/ascii.h"

namespace carrel::egress {
namespace {

// RFC 5280 4.1.2.2: at most 20 octets, positive.
constexpr std::size_t kSerialBytes = 16;
// Clocks inside and outside are one, but a little before is kinder to rounding.
constexpr long kNotBefore = -3600;
constexpr long kNotAfter = 60L * 60 * 24 * 30;  // no run is that long

Error failed(std::string_view what) {
  std::array<char, 256> text{};
  ::ERR_error_string_n(::ERR_get_error(), text.data(), text.size());
  ::ERR_clear_error();
  return Error{Errc::kSystem, std::string(what) + ": " + text.data()};
}

KeyPtr make_key() { return KeyPtr(::EVP_EC_gen("P-256")); }

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = ::X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) return false;
  const bool added = ::X509_add_ext(certificate, extension, -1) == 1;
  ::X509_EXTENSION_free(extension);
  return added;
}

bool set_name(X509_NAME* name, const char* field, const std::string& text) {
  return ::X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1;
}

// Version 3, a random serial number, the validity, the key.
X509Ptr blank(EVP_PKEY* key) {
  X509Ptr certificate(::X509_new());
  std::array<unsigned char, kSerialBytes> serial{};
  if (!certificate || ::RAND_bytes(serial.data(), kSerialBytes) != 1) return nullptr;
  serial[0] &= 0x7F;
  BIGNUM* const number = ::BN_bin2bn(serial.data(), kSerialBytes, nullptr);
  const bool numbered =
      number != nullptr &&
      ::BN_to_ASN1_INTEGER(number, ::X509_get_serialNumber(certificate.get())) != nullptr;
  ::BN_free(number);
  const bool whole =
      numbered && ::X509_set_version(certificate.get(), 2) == 1 &&
      ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), kNotBefore) != nullptr &&
      ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), kNotAfter) != nullptr &&
      ::X509_set_pubkey(certificate.get(), key) == 1;
  return whole ? std::move(certificate) : nullptr;
}

}  // namespace

#if defined(__x86_64__)
// OpenSSL has its assembler call OPENSSL_cpuid_setup() in .init of every program
// that is linked with it, and `cpuid` traps in a virtual machine: every start of
// carrel would pay 100 µs. The build has the linker turn that call to the empty
// __wrap_ (--wrap), and the real one is made here.
extern "C" {
void __real_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void);
void __wrap_OPENSSL_cpuid_setup(void) {}
}
#endif

void use_openssl() {
  static const bool done = [] {
#if defined(__x86_64__)
    __real_OPENSSL_cpuid_setup();
#endif
    ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
    return true;
  }();
  static_cast<void>(done);
}

Result<Authority> Authority::make() {
  use_openssl();
  Authority authority;
  authority.key_ = make_key();
  authority.leaf_key_ = make_key();
  if (!authority.key_ || !authority.leaf_key_) return failed("cannot make a key");
  authority.certificate_ = blank(authority.key_.get());
  X509* const certificate = authority.certificate_.get();
  if (certificate == nullptr) return failed("cannot make a certificate");
  X509_NAME* const name = ::X509_get_subject_name(certificate);
  // A name of its own: several sandboxes' authorities are never taken for one.
  std::array<unsigned char, 8> random{};
  std::string common = "Carrel sandbox ";
  if (::RAND_bytes(random.data(), random.size()) != 1) return failed("cannot make a name");
  for (const unsigned char byte : random) append_hex(common, byte);
  const bool whole =
      set_name(name, "O", "Carrel") && set_name(name, "CN", common) &&
      ::X509_set_issuer_name(certificate, name) == 1 &&
      add_extension(certificate, certificate, NID_basic_constraints,
                    "critical,CA:TRUE,pathlen:0") &&
      add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
      ::X509_sign(certificate, authority.key_.get(), ::EVP_sha256()) > 0;
  if (!whole) return failed("cannot make a certificate");
  return authority;
}

std::string Authority::certificate_pem() const {
  BIO* const memory = ::BIO_new(::BIO_s_mem());
  ::PEM_write_bio_X509(memory, certificate_.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  ::BIO_free(memory);
  return text;
}

Result<X509Ptr> Authority::leaf_for(const Host& host) const {
  X509Ptr leaf = blank(leaf_key_.get());
  if (!leaf) return failed("cannot make a certificate");
  const std::string text = host_text(host);
  const bool is_name = std::holds_alternative<policy::HostName>(host);
  // RFC 5280: a common name has at most 64 characters; the alternative name is what counts.
  const std::string common = text.size() <= 64 ? text : "Carrel";
  const bool whole =
      set_name(::X509_get_subject_name(leaf.get()), "CN", common) &&
      ::X509_set_issuer_name(leaf.get(), ::X509_get_subject_name(certificate_.get())) == 1 &&
      add_extension(leaf.get(), certificate_.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(leaf.get(), certificate_.get(), NID_key_usage, "critical,digitalSignature") &&
      add_extension(leaf.get(), certificate_.get(), NID_ext_key_usage, "serverAuth") &&
      add_extension(leaf.get(), certificate_.get(), NID_authority_key_identifier, "keyid") &&
      add_extension(leaf.get(), certificate_.get(), NID_subject_alt_name,
                    (is_name ? "DNS:" : "IP:") + text) &&
      ::X509_sign(leaf.get(), key_.get(), ::EVP_sha256()) > 0;
  if (!whole) return failed("cannot make a certificate for " + text);
  return leaf;
}

}  // namespace carrel::egress
