#include "egress/address_cache.h"

#include <gtest/gtest.h>

namespace carrel::egress {
namespace {

using policy::HostName;
using policy::IpAddress;
using std::chrono::seconds;

HostName name(std::string_view text) { return HostName::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Answer found(std::string_view text) { return {Answer::Kind::kFound, {address(text)}, {}}; }

const AddressCache::TimePoint kStart{seconds(1000)};

TEST(AddressCache, KeepsAnAnswerForItsTime) {
  AddressCache cache;
  cache.put(name("a.test"), found("192.0.2.1"), seconds(60), kStart);
  EXPECT_TRUE(cache.find(name("a.test"), kStart + seconds(59)));
  EXPECT_FALSE(cache.find(name("a.test"), kStart + seconds(60)));
  EXPECT_FALSE(cache.find(name("b.test"), kStart));
}

TEST(AddressCache, BoundsThatTime) {
  AddressCache cache;
  cache.put(name("a.test"), found("192.0.2.1"), seconds(0), kStart);
  EXPECT_TRUE(cache.find(name("a.test"), kStart + std::chrono::milliseconds(900)));
  EXPECT_FALSE(cache.find(name("a.test"), kStart + seconds(1)));
  cache.put(name("a.test"), found("192.0.2.1"), seconds(100'000), kStart);
  EXPECT_FALSE(cache.find(name("a.test"), kStart + seconds(300)));
}

TEST(AddressCache, ForgetsThatNobodyAnswered) {
  AddressCache cache;
  cache.put(name("a.test"), Answer{}, seconds(60), kStart);
  EXPECT_FALSE(cache.find(name("a.test"), kStart));
}

TEST(AddressCache, HoldsOnlySoMany) {
  AddressCache cache;
  for (int i = 0; i < 3000; ++i) {
    cache.put(name("n" + std::to_string(i) + ".test"), found("192.0.2.1"), seconds(10 + i % 50),
              kStart);
  }
  EXPECT_LE(cache.size(), AddressCache::kMaxNames);
}

TEST(Interleaved, TakesFamiliesByTurns) {
  const IpAddress v4a = address("192.0.2.1"), v4b = address("192.0.2.2"),
                  v6 = address("2001:db8::1");
  EXPECT_EQ(interleaved({v6}, {v4a, v4b}), (std::vector{v6, v4a, v4b}));
  EXPECT_EQ(interleaved({}, {v4a}), (std::vector{v4a}));
}

}  // namespace
}  // namespace carrel::egress
