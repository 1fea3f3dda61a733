#include "egress/connection.h"

namespace carrel::egress {

void Connection::check_deadline(Clock::time_point now) {
  if (now < deadline_) return;
  expired_ = true;
  deadline_ = now + shared.timeouts.goodbye;  // again, should this not be enough
  ErrorCode ignored;
  client.cancel(ignored);
  upstream.cancel(ignored);
}

void Connection::close() {
  ErrorCode ignored;
  client.close(ignored);
  upstream.close(ignored);
}

void Connection::reset() {
  ErrorCode ignored;
  client.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

}  // namespace carrel::egress
