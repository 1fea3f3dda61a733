// One client of the sandbox, and what all of them share.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "egress/asio.h"
#include "egress/audit.h"
#include "egress/credential.h"
#include "egress/name_table.h"
#include "egress/outbound.h"
#include "egress/socket_io.h"
#include "egress/tls_end.h"

namespace carrel::egress {

// How long each state may last.
struct Timeouts {
  Clock::duration greeting = std::chrono::seconds(30);     // from accept to a whole request
  Clock::duration lookup = std::chrono::seconds(15);       // of a name
  Clock::duration connect = std::chrono::seconds(20);      // to one of the addresses
  Clock::duration keep_alive = std::chrono::minutes(5);    // between two requests
  Clock::duration exchange = std::chrono::minutes(15);     // no byte moves, an answer is awaited
  Clock::duration tunnel = std::chrono::hours(2);          // no byte moves
  Clock::duration half_closed = std::chrono::minutes(15);  // the same, one side having ended
  Clock::duration goodbye = std::chrono::seconds(5);       // last words are taken
};

// What the connections of one sandbox share. Outlives them all.
struct Shared {
  Outbound outbound;
  AuditLog audit;
  Timeouts timeouts;
  Scratch scratch;
  std::size_t max_held;  // Config::max_held
  std::size_t held = 0;
  NameTable names = {};
  std::set<policy::HostName> unknown_names = {};  // of which the audit has a line
  Credentials credentials = {};
  std::unique_ptr<Tls> tls = {};  // null where no policy speaks of TLS
};

// Both ends of a conversation. Tasks hold it by shared_ptr.
class Connection {
 public:
  Connection(Shared* everyones, Socket accepted)
      : shared(*everyones), client(std::move(accepted)), upstream(client.get_executor()) {
    prepare(client);
  }

  Shared& shared;
  Socket client;
  Socket upstream;
  // Of the one that is a pair behind TLS, else null.
  std::shared_ptr<TlsFate> client_fate = {};
  std::shared_ptr<TlsFate> upstream_fate = {};

  // Whatever is awaited must come within `patience`, counted anew at each touch();
  // else both sockets' operations end with operation_aborted, and has_expired()
  // is true until the next call.
  void expect_within(Clock::duration patience) {
    patience_ = patience;
    expired_ = false;
    touch();
  }
  void touch() { deadline_ = Clock::now() + patience_; }
  [[nodiscard]] bool has_expired() const { return expired_; }

  // Called every second or so by whoever keeps the connections.
  void check_deadline(Clock::time_point now);
  // Ends every operation, at the end of the sandbox.
  void close();
  // The same with an end that the client sees as an error, where nothing can be said in its
  // protocol.
  void reset();

 private:
  Clock::duration patience_{};
  Clock::time_point deadline_ = Clock::time_point::max();
  bool expired_ = false;
};

}  // namespace carrel::egress
