// What a program inside may send to its resolver.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "egress/dns.h"
#include "policy/inside.h"

namespace {

using namespace carrel;          // NOLINT(google-build-using-namespace)
using namespace carrel::egress;  // NOLINT(google-build-using-namespace)

void check(bool promise) {
  if (!promise) std::abort();
}

policy::NetworkPolicy some_policy() {
  policy::NetworkPolicy policy;
  for (const char* rule : {"a.test", "*.b.test:443", "10.0.0.0/8"}) {
    policy.allow.insert(policy::HostRule::parse(rule).value());
  }
  policy.deny.insert(policy::HostRule::parse("x.b.test").value());
  return policy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const policy::NetworkPolicy kPolicy = some_policy();
  NameTable names;
  check(names.address_of(policy::HostName::parse("a.test").value()).has_value());
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const DnsAnswer answer = answer_dns(query, kPolicy, names);
  if (answer.unknown) check(!policy::is_known_inside(kPolicy, *answer.unknown));
  if (answer.message.empty()) return 0;
  // It answers this question, is no question itself, and fits any client.
  check(answer.message.size() >= 12 && answer.message.size() <= 512);
  check(answer.message.substr(0, 2) == query.substr(0, 2));
  check((static_cast<unsigned char>(answer.message[2]) & 0x80) != 0);
  check(answer_dns(answer.message, kPolicy, names).message.empty());
  // Asked again, it says the same.
  check(answer_dns(query, kPolicy, names).message == answer.message);
  return 0;
}
