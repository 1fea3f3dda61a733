# libmd, static. Provides Md::md.
find_path(MD_INCLUDE_DIR sha2.h)
find_library(MD_LIBRARY NAMES libmd.a)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Md REQUIRED_VARS MD_LIBRARY MD_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run ./dev setup (Debian: libmd-dev).")
if(Md_FOUND AND NOT TARGET Md::md)
  add_library(Md::md UNKNOWN IMPORTED)
  set_target_properties(Md::md PROPERTIES IMPORTED_LOCATION ${MD_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${MD_INCLUDE_DIR})
endif()
