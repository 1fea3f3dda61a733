// The one translation unit that compiles Boost.JSON, which is used header-only.
// Rooms to the right of policy share it by linking.
#include <boost/json/src.hpp>
