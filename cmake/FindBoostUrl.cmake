# Boost.URL's static library: from 1.82 on its headers are not enough, and Boost's own
# CMake files want more packages for it than it needs. Provides BoostUrl::url.
find_library(BOOST_URL_LIBRARY NAMES libboost_url.a)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BoostUrl REQUIRED_VARS BOOST_URL_LIBRARY
  REASON_FAILURE_MESSAGE "Run ./dev setup (Debian: libboost-url1.81-dev).")
if(BoostUrl_FOUND AND NOT TARGET BoostUrl::url)
  add_library(BoostUrl::url UNKNOWN IMPORTED)
  set_target_properties(BoostUrl::url PROPERTIES IMPORTED_LOCATION ${BOOST_URL_LIBRARY}
    INTERFACE_LINK_LIBRARIES Boost::headers)
endif()
