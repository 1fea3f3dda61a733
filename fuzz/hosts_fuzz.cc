// Any bytes as a rule about hosts: what is accepted has one spelling that reads
// back as itself, and no name is also an address.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/path.h"
#include "policy/hosts.h"

namespace {

using carrel::policy::Cidr;
using carrel::policy::HostName;
using carrel::policy::HostRule;
using carrel::policy::IpAddress;

void require(bool holds) {
  if (!holds) std::abort();
}

template <typename T>
void require_one_spelling(const carrel::Result<T>& parsed) {
  if (!parsed.ok()) {
    require(parsed.error().code == carrel::Errc::kInvalid);
    require(carrel::printable(parsed.error().message) == parsed.error().message);
    return;
  }
  const carrel::Result<T> again = T::parse(parsed.value().text());
  require(again.ok() && again.value() == parsed.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto name = HostName::parse(text);
  const auto address = IpAddress::parse(text);
  require(!name.ok() || !address.ok());
  require_one_spelling(name);
  require_one_spelling(address);
  require_one_spelling(Cidr::parse(text));

  const auto allow = HostRule::parse(text);
  require_one_spelling(allow);
  const auto deny = HostRule::parse(text, HostRule::Any::kAccepted);
  require(!allow.ok() || (deny.ok() && deny.value() == allow.value()));
  if (deny.ok()) {
    const auto again = HostRule::parse(deny.value().text(), HostRule::Any::kAccepted);
    require(again.ok() && again.value() == deny.value());
  }
  return 0;
}
