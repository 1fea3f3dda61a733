# c-ares, static. Provides Cares::cares.
find_path(CARES_INCLUDE_DIR ares.h)
find_library(CARES_LIBRARY NAMES libcares.a)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Cares REQUIRED_VARS CARES_LIBRARY CARES_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run ./dev setup (Debian: libc-ares-dev).")
if(Cares_FOUND AND NOT TARGET Cares::cares)
  add_library(Cares::cares UNKNOWN IMPORTED)
  # Without the definition, its header declares what a shared library exports.
  set_target_properties(Cares::cares PROPERTIES IMPORTED_LOCATION ${CARES_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${CARES_INCLUDE_DIR}
    INTERFACE_COMPILE_DEFINITIONS CARES_STATICLIB)
endif()
