# libpsl with what its static library needs. Provides Psl::psl.
find_path(PSL_INCLUDE_DIR libpsl.h)
find_library(PSL_LIBRARY NAMES libpsl.a)
find_library(PSL_IDN2_LIBRARY NAMES libidn2.a)
find_library(PSL_UNISTRING_LIBRARY NAMES libunistring.a)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Psl
  REQUIRED_VARS PSL_LIBRARY PSL_IDN2_LIBRARY PSL_UNISTRING_LIBRARY PSL_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run ./dev setup (Debian: libpsl-dev libidn2-dev libunistring-dev).")
if(Psl_FOUND AND NOT TARGET Psl::psl)
  add_library(Psl::psl UNKNOWN IMPORTED)
  set_target_properties(Psl::psl PROPERTIES IMPORTED_LOCATION ${PSL_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${PSL_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES "${PSL_IDN2_LIBRARY};${PSL_UNISTRING_LIBRARY}")
endif()
