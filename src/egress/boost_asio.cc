// The one translation unit that compiles Boost.Asio and Boost.Beast; see asio.h.
#include "egress/asio.h"
//
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
