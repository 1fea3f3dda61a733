# OpenSSL 3, static. Provides Openssl::ssl. (CMake's own FindOpenSSL takes the shared
# library where there is one.)
find_path(OPENSSL_INCLUDE_DIR openssl/ssl.h)
find_library(OPENSSL_SSL_LIBRARY NAMES libssl.a)
find_library(OPENSSL_CRYPTO_LIBRARY NAMES libcrypto.a)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Openssl
  REQUIRED_VARS OPENSSL_SSL_LIBRARY OPENSSL_CRYPTO_LIBRARY OPENSSL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run ./dev setup (Debian: libssl-dev).")
if(Openssl_FOUND AND NOT TARGET Openssl::ssl)
  add_library(Openssl::ssl UNKNOWN IMPORTED)
  # OPENSSL_cpuid_setup: see egress/certificate.cc.
  set_target_properties(Openssl::ssl PROPERTIES IMPORTED_LOCATION ${OPENSSL_SSL_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OPENSSL_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES ${OPENSSL_CRYPTO_LIBRARY}
    INTERFACE_LINK_OPTIONS "$<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:LINKER:--wrap=OPENSSL_cpuid_setup>")
endif()
