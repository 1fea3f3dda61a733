// Credentials that stay outside: what is put into a request, what a request may
// carry, and what a response may not. Pure but for the secrets it holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "egress/http_message.h"
#include "egress/request_rules.h"
#include "egress/secret.h"

namespace carrel::egress {

struct HeldCredential {
  policy::Credential rule;
  Secret secret;            // as it is written into a header: printable ASCII, not empty
  std::string placeholder;  // worth nothing; random, so that nothing else equals it
};

struct Injected {
  std::optional<std::string> refusal;          // of the request: for the client
  std::string names;                           // of those that were put in, for the log
  std::vector<const HeldCredential*> secrets;  // that the response may not show
};

class Credentials {
 public:
  Credentials() = default;
  explicit Credentials(std::vector<HeldCredential> held) : held_(std::move(held)) {}
  [[nodiscard]] bool empty() const { return held_.empty(); }

  // Puts into `head` what the policy gives to `request`. Its own key, in the place
  // of a credential, passes untouched, or is refused where that one says `only`; so
  // is a placeholder anywhere but in its own place and scope.
  [[nodiscard]] Injected inject(RequestHead& head, const RequestView& request) const;

 private:
  std::vector<HeldCredential> held_;
};

// Removes the fields that show one of the secrets, as it is or in Basic.
void conceal(http::fields& fields, const std::vector<const HeldCredential*>& secrets);

// A random text that is worth nothing: "carrel-placeholder-" and 32 hex digits.
[[nodiscard]] Result<std::string> make_placeholder();

}  // namespace carrel::egress
