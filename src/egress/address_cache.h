// What names led to, for as long as their owners say.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/hosts.h"

namespace carrel::egress {

struct Answer {
  enum class Kind : std::uint8_t {
    kFound,       // `addresses` is not empty
    kNoSuchName,  // DNS says that there is none
    kNoAnswer,    // no server said anything, or only that it failed
  };
  Kind kind = Kind::kNoAnswer;
  std::vector<policy::IpAddress> addresses;  // in the order to try (RFC 8305 4)
  std::string failure;                       // "no server answered"
};

class AddressCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Bounds on what is remembered: a burst of connections asks once, and a name
  // that moves is followed within minutes whatever its TTL.
  static constexpr std::chrono::seconds kShortest{1};
  static constexpr std::chrono::seconds kLongest{300};
  static constexpr std::size_t kMaxNames = 1024;

  [[nodiscard]] std::optional<Answer> find(const policy::HostName& name, TimePoint now) const;
  // An answer of kNoAnswer is not kept.
  void put(const policy::HostName& name, Answer answer, std::chrono::seconds ttl, TimePoint now);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    Answer answer;
    TimePoint until;
  };
  void make_room(TimePoint now);

  std::map<policy::HostName, Entry> entries_;
};

// IPv6 first, then by turns, so that one dead family costs one attempt.
[[nodiscard]] std::vector<policy::IpAddress> interleaved(std::vector<policy::IpAddress> v6,
                                                         std::vector<policy::IpAddress> v4);

}  // namespace carrel::egress
