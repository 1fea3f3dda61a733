#include "egress/resolver.h"

#include <sys/stat.h>

#include <algorithm>

namespace carrel::egress {
namespace {

constexpr std::chrono::milliseconds kResolutionDelay{50};  // RFC 8305 8
constexpr std::chrono::seconds kNegativeTtl{2};
constexpr char kResolvConf[] = "/etc/resolv.conf";

std::string stamp_of(const char* path) {
  struct stat status{};
  if (::stat(path, &status) != 0) return "";
  return std::to_string(status.st_ino) + " " + std::to_string(status.st_mtim.tv_sec) + " " +
         std::to_string(status.st_mtim.tv_nsec);
}

bool is_none(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

}  // namespace

struct Resolver::Query {
  Query(policy::HostName asked, const Executor& executor, Clock::duration patience)
      : name(std::move(asked)), settled(executor, patience) {}

  [[nodiscard]] Answer answer() const {
    Answer made;
    made.addresses = interleaved(v6.addresses, v4.addresses);
    if (!made.addresses.empty()) {
      made.kind = Answer::Kind::kFound;
    } else if (outstanding > 0) {
      made.failure = "no name server answered in time";
    } else if (is_none(v4.status) && is_none(v6.status)) {
      made.kind = Answer::Kind::kNoSuchName;
      made.failure = "there is no address for this name";
    } else {
      made.failure = ares_strerror(is_none(v4.status) ? v6.status : v4.status);
    }
    return made;
  }

  policy::HostName name;
  int outstanding = 2;
  FamilyAnswer v4;
  FamilyAnswer v6;
  // Expires when nobody shall wait any longer. Set here only: each change
  // wakes all who wait.
  Timer settled;
};

Result<std::unique_ptr<Resolver>> Resolver::make(const Executor& executor, Options options) {
  std::unique_ptr<Resolver> made(new Resolver(executor, std::move(options)));
  CARREL_CHECK(made->open_channels());
  return made;
}

Status Resolver::open_channels() {
  stamp_ = stamp_of(kResolvConf);
  CARREL_TRY(absolute_, AresChannel::make(executor_, Search::kAbsolute, options_.nameservers));
  CARREL_TRY(searching_, AresChannel::make(executor_, Search::kDomains, options_.nameservers));
  return Unit{};
}

// A laptop changes networks while a command runs.
void Resolver::follow_changes() {
  if (!absolute_->is_idle() || !searching_->is_idle() || stamp_ == stamp_of(kResolvConf)) return;
  auto absolute = AresChannel::make(executor_, Search::kAbsolute, options_.nameservers);
  auto searching = AresChannel::make(executor_, Search::kDomains, options_.nameservers);
  if (!absolute.ok() || !searching.ok()) return;  // tried again at the next name
  stamp_ = stamp_of(kResolvConf);
  absolute_ = std::move(absolute).value();
  searching_ = std::move(searching).value();
  cache_.clear();
}

Task<Answer> Resolver::resolve(policy::HostName name) {
  if (auto known = cache_.find(name, Clock::now())) co_return *std::move(known);
  const std::shared_ptr<Query> query = query_for(name);
  while (query->outstanding > 0 && Clock::now() < query->settled.expiry()) {
    co_await query->settled.async_wait(kAwait);
  }
  co_return query->answer();
}

std::shared_ptr<Resolver::Query> Resolver::query_for(const policy::HostName& name) {
  if (const auto found = queries_.find(name); found != queries_.end()) return found->second;
  follow_changes();
  auto query = std::make_shared<Query>(name, executor_, options_.patience);
  queries_.emplace(name, query);
  const bool one_label = name.text().find('.') == std::string::npos;
  AresChannel& channel = one_label ? *searching_ : *absolute_;
  for (const Family family : {Family::kV6, Family::kV4}) {
    channel.ask(name, family, [this, query, family](FamilyAnswer answer) {
      take(query, family, std::move(answer));
    });
  }
  return query;
}

void Resolver::take(const std::shared_ptr<Query>& query, Family family, FamilyAnswer answer) {
  (family == Family::kV4 ? query->v4 : query->v6) = std::move(answer);
  const bool found = !query->v4.addresses.empty() || !query->v6.addresses.empty();
  if (--query->outstanding > 0) {
    if (found) {
      query->settled.expires_at(std::min(query->settled.expiry(), Clock::now() + kResolutionDelay));
    }
    return;
  }
  query->settled.cancel();
  queries_.erase(query->name);
  std::chrono::seconds ttl = found ? AddressCache::kLongest : kNegativeTtl;
  for (const FamilyAnswer* part : {&query->v4, &query->v6}) {
    if (!part->addresses.empty()) ttl = std::min(ttl, part->ttl);
  }
  cache_.put(query->name, query->answer(), ttl, Clock::now());
}

}  // namespace carrel::egress
