// The one translation unit that compiles Boost.URL, which is used header-only.
#include <boost/url/src.hpp>
