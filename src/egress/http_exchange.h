// One request and its response, between a client and an open upstream.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "egress/audit.h"
#include "egress/connection.h"
#include "egress/http_message.h"

namespace carrel::egress {

struct Exchanged {
  bool client_goes_on = false;
  bool upstream_goes_on = false;
  bool stale = false;      // the upstream ended before it said anything
  bool truncated = false;  // the response broke off: the client must not think that it is whole
  std::string failure;     // for the audit
  std::optional<OwnResponse> own_response;  // nothing was sent to the client yet: send this
};

// Sends `head_text` and the body that follows the head in `parser`, and passes
// the response on, both at once: a server may answer before the request ends.
// Interim responses are passed on; 101 makes it a relay. `parser` and `event`
// outlive the task; status and bytes are put into `event`.
[[nodiscard]] Task<Exchanged> exchange(std::shared_ptr<Connection> connection,
                                       RequestParser* parser, RequestPlan plan,
                                       std::string head_text, AuditEvent* event);

}  // namespace carrel::egress
