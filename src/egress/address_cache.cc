#include "egress/address_cache.h"

#include <algorithm>

namespace carrel::egress {

std::optional<Answer> AddressCache::find(const policy::HostName& name, TimePoint now) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.until <= now) return std::nullopt;
  return found->second.answer;
}

void AddressCache::put(const policy::HostName& name, Answer answer, std::chrono::seconds ttl,
                       TimePoint now) {
  if (answer.kind == Answer::Kind::kNoAnswer) return;
  if (entries_.size() >= kMaxNames && !entries_.contains(name)) make_room(now);
  entries_.insert_or_assign(name,
                            Entry{std::move(answer), now + std::clamp(ttl, kShortest, kLongest)});
}

void AddressCache::make_room(TimePoint now) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.until <= now; });
  if (entries_.size() < kMaxNames) return;
  entries_.erase(std::min_element(
      entries_.begin(), entries_.end(),
      [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
}

std::vector<policy::IpAddress> interleaved(std::vector<policy::IpAddress> v6,
                                           std::vector<policy::IpAddress> v4) {
  std::vector<policy::IpAddress> mixed;
  for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size()) mixed.push_back(v6[i]);
    if (i < v4.size()) mixed.push_back(v4[i]);
  }
  return mixed;
}

}  // namespace carrel::egress
