#include "egress/name_table.h"

#include "policy/inside.h"

namespace carrel::egress {
namespace {

using policy::HostName;
using policy::IpAddress;

// The first ones are the room's own: its listeners are there.
constexpr std::uint32_t kFirst = 256;

std::uint32_t number_of(const IpAddress& address) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | address.bytes()[i];
  return number;
}

IpAddress address_at(std::uint32_t place) {
  const std::uint32_t number = number_of(policy::name_network().base) + kFirst + place;
  return IpAddress::v4({static_cast<std::uint8_t>(number >> 24),
                        static_cast<std::uint8_t>(number >> 16),
                        static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)});
}

}  // namespace

std::optional<IpAddress> NameTable::address_of(const HostName& name) {
  const auto found = places_.find(name);
  if (found != places_.end()) return address_at(found->second);
  if (names_.size() == kMostNames) return std::nullopt;
  const auto place = static_cast<std::uint32_t>(names_.size());
  names_.push_back(name);
  places_.emplace(name, place);
  return address_at(place);
}

const HostName* NameTable::name_of(const IpAddress& address) const {
  if (!policy::name_network().contains(address)) return nullptr;
  // Below the first one this wraps around, and is too large.
  const std::uint32_t place = number_of(address) - number_of(policy::name_network().base) - kFirst;
  return place < names_.size() ? &names_[place] : nullptr;
}

}  // namespace carrel::egress
