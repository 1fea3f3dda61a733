// The one place where rules by request are asked (policy/requests.h). Pure.
#pragma once

#include <boost/beast/http/fields.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "egress/destination.h"
#include "policy/policy.h"

namespace carrel::egress {

// One request as rules see it.
struct RequestView {
  Destination destination;  // outside
  std::string gateway;      // by which it goes; "": to the destination itself
  std::string method;
  std::string path;           // judged_path()
  bool confidential = false;  // nobody on the way reads it: TLS, or a gateway's own choice
};

[[nodiscard]] policy::HostRule as_rule(const Destination& destination);

// Whether TLS to `destination` ends at Carrel.
[[nodiscard]] bool is_inspected(const policy::NetworkPolicy& policy,
                                const Destination& destination);

// Do the hosts, or the gateway, of `scope` cover the request? Methods and paths aside.
[[nodiscard]] bool speaks_of(const policy::RequestScope& scope, const RequestView& request);
// The whole of it.
[[nodiscard]] bool covers(const policy::RequestScope& scope, const RequestView& request);

struct RequestVerdict {
  std::string refusal;  // a clause that completes "... is refused: "; "": it may pass
  std::string rule;     // what decided, for the log; "" if none spoke of it
  std::optional<std::uint64_t> max_bytes;  // of its body
};
[[nodiscard]] RequestVerdict judge_request(const policy::NetworkPolicy& policy,
                                           const RequestView& request);

// Fields by which a server may be told to take the method for another one.
[[nodiscard]] bool overrides_method(const boost::beast::http::fields& fields);

}  // namespace carrel::egress
