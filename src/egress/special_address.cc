#include "egress/special_address.h"

#include <array>
#include <cstdlib>

namespace carrel::egress {
namespace {

using policy::Cidr;
using policy::IpAddress;

Cidr cidr(std::string_view text) {
  Result<Cidr> parsed = Cidr::parse(text);
  if (!parsed.ok()) std::abort();
  return parsed.value();
}

// Narrow before wide: the first that holds the address names it.
const auto& ranges() {
  static const std::array kRanges = {
      SpecialRange{cidr("169.254.169.254"), "the metadata service of a cloud"},
      SpecialRange{cidr("169.254.170.2"), "the credential service of a cloud"},
      SpecialRange{cidr("168.63.129.16"), "the metadata service of a cloud"},
      SpecialRange{cidr("100.100.100.200"), "the metadata service of a cloud"},
      SpecialRange{cidr("192.0.0.192"), "the metadata service of a cloud"},
      SpecialRange{cidr("127.0.0.0/8"), "a loopback address"},
      SpecialRange{cidr("10.0.0.0/8"), "a private address"},
      SpecialRange{cidr("172.16.0.0/12"), "a private address"},
      SpecialRange{cidr("192.168.0.0/16"), "a private address"},
      SpecialRange{cidr("169.254.0.0/16"), "a link-local address"},
      SpecialRange{cidr("100.64.0.0/10"), "a carrier's shared address"},
      SpecialRange{cidr("0.0.0.0/8"), "an address of this machine"},
      SpecialRange{cidr("192.0.0.0/24"), "a reserved address"},
      SpecialRange{cidr("192.0.2.0/24"), "a documentation address"},
      SpecialRange{cidr("198.51.100.0/24"), "a documentation address"},
      SpecialRange{cidr("203.0.113.0/24"), "a documentation address"},
      SpecialRange{cidr("192.88.99.0/24"), "a 6to4 relay"},
      SpecialRange{cidr("198.18.0.0/15"), "a benchmarking address"},
      SpecialRange{cidr("224.0.0.0/4"), "a multicast address"},
      SpecialRange{cidr("255.255.255.255"), "the broadcast address"},
      SpecialRange{cidr("240.0.0.0/4"), "a reserved address"},
      SpecialRange{cidr("fd00:ec2::/32"), "the metadata service of a cloud"},
      SpecialRange{cidr("fd20:ce::/32"), "the metadata service of a cloud"},
      SpecialRange{cidr("::1"), "a loopback address"},
      SpecialRange{cidr("::"), "an address of this machine"},
      SpecialRange{cidr("::/96"), "an IPv4 address in IPv6 form"},
      SpecialRange{cidr("64:ff9b:1::/48"), "a local NAT64 address"},
      SpecialRange{cidr("100::/64"), "a discard address"},
      SpecialRange{cidr("2001::/32"), "a Teredo address"},
      SpecialRange{cidr("2001::/23"), "a reserved address"},
      SpecialRange{cidr("2001:db8::/32"), "a documentation address"},
      SpecialRange{cidr("3fff::/20"), "a documentation address"},
      SpecialRange{cidr("2002::/16"), "a 6to4 address"},
      SpecialRange{cidr("fc00::/7"), "a private address"},
      SpecialRange{cidr("fe80::/10"), "a link-local address"},
      SpecialRange{cidr("fec0::/10"), "a site-local address"},
      SpecialRange{cidr("ff00::/8"), "a multicast address"},
      // What is left outside 2000::/3 belongs to nobody.
      SpecialRange{cidr("::/3"), "a reserved address"},
      SpecialRange{cidr("4000::/2"), "a reserved address"},
      SpecialRange{cidr("8000::/1"), "a reserved address"},
  };
  return kRanges;
}

const Cidr& nat64() {
  static const Cidr kRange = cidr("64:ff9b::/96");
  return kRange;
}

}  // namespace

std::optional<IpAddress> embedded_v4(const IpAddress& address) {
  if (!nat64().contains(address)) return std::nullopt;
  const auto& bytes = address.bytes();
  return IpAddress::v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

const SpecialRange* special_range(const IpAddress& address) {
  if (const auto inner = embedded_v4(address)) return special_range(*inner);
  for (const SpecialRange& special : ranges()) {
    if (special.range.contains(address)) return &special;
  }
  return nullptr;
}

}  // namespace carrel::egress
