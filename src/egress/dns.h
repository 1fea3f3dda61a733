// The resolver that programs find inside. It answers from the policy alone and asks
// nobody, so no question carries anything out.
// Sources: RFC 1035 4.1, RFC 2308 2, RFC 6891 6, RFC 8482 (ANY), RFC 9619 (one question).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "egress/name_table.h"
#include "policy/policy.h"

namespace carrel::egress {

inline constexpr std::size_t kMaxDnsMessage = 512;  // longer questions are not asked

struct DnsAnswer {
  std::string message;  // "" if there is nothing to say to such bytes
  // A name, well-formed, that was asked for and that the policy does not know.
  std::optional<policy::HostName> unknown;
};

// An allowed name has one address (A), by `names`; it has nothing else. An address of
// `names` has its name (PTR). Every other name does not exist.
[[nodiscard]] DnsAnswer answer_dns(std::string_view query, const policy::NetworkPolicy& policy,
                                   NameTable& names);

}  // namespace carrel::egress
