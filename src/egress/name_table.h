// Names, and the addresses that stand for them inside one sandbox.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "policy/hosts.h"

namespace carrel::egress {

// Gives each name an address of policy::name_network() and never takes it back, so
// that what a program remembers stays true.
class NameTable {
 public:
  static constexpr std::size_t kMostNames = 16384;

  // nullopt for a new name when there is no room for it.
  [[nodiscard]] std::optional<policy::IpAddress> address_of(const policy::HostName& name);
  // nullptr if `address` stands for no name. Valid until the next address_of().
  [[nodiscard]] const policy::HostName* name_of(const policy::IpAddress& address) const;

 private:
  std::map<policy::HostName, std::uint32_t> places_;
  std::vector<policy::HostName> names_;
};

}  // namespace carrel::egress
