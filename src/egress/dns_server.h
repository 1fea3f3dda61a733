// The sockets of the resolver inside (dns.h), over UDP and TCP.
// Sources: RFC 1035 4.2, RFC 7766 (TCP: several questions on one connection).
#pragma once

#include <boost/asio/ip/udp.hpp>
#include <memory>

#include "egress/connection.h"

namespace carrel::egress {

using DatagramSocket = asio::basic_datagram_socket<asio::ip::udp, Executor>;

// Answers until the socket is closed. Both outlive the task.
[[nodiscard]] Task<> serve_dns_over_udp(DatagramSocket* socket, Shared* shared);

// Serves one client to its end.
[[nodiscard]] Task<> serve_dns_over_tcp(std::shared_ptr<Connection> connection);

}  // namespace carrel::egress
