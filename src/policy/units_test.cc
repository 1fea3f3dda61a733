#include "policy/units.h"

#include <gtest/gtest.h>

#include <random>

namespace carrel::policy {
namespace {

using std::chrono::milliseconds;

std::uint64_t bytes(std::string_view text) { return parse_size(text).value(); }
milliseconds duration(std::string_view text) { return parse_duration(text).value(); }

TEST(ParseSize, ReadsEveryUnit) {
  EXPECT_EQ(bytes("4096"), 4096u);
  EXPECT_EQ(bytes("1000 B"), 1000u);
  EXPECT_EQ(bytes("64k"), 65536u);
  EXPECT_EQ(bytes("64K"), 65536u);
  EXPECT_EQ(bytes("1KiB"), 1024u);
  EXPECT_EQ(bytes("1kb"), 1000u);
  EXPECT_EQ(bytes("512MiB"), 512u << 20);
  EXPECT_EQ(bytes("2g"), 2ull << 30);
  EXPECT_EQ(bytes("1GB"), 1000'000'000u);
  EXPECT_EQ(bytes("3TiB"), 3ull << 40);
  EXPECT_EQ(bytes("2 tb"), 2000'000'000'000u);
  EXPECT_EQ(bytes("0"), 0u);
}

TEST(ParseSize, RoundsAFractionDownToBytes) {
  EXPECT_EQ(bytes("1.5 GiB"), 3ull << 29);
  EXPECT_EQ(bytes("0.5k"), 512u);
  EXPECT_EQ(bytes("3.8GiB"), 4080218931u);
  EXPECT_EQ(bytes("0.000000001TiB"), 1099u);
}

TEST(ParseSize, RefusesOverflow) {
  EXPECT_EQ(bytes("18446744073709551615"), 18446744073709551615u);
  EXPECT_FALSE(parse_size("18446744073709551616").ok());
  EXPECT_EQ(bytes("16777215.999TiB"), 18446744072610039988u);
  EXPECT_FALSE(parse_size("16777216TiB").ok());
  EXPECT_FALSE(parse_size("99999999999999999999999999GiB").ok());
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text :
       {"", " ", "-1", "+1", "1e3", "1.", ".5", "1.5", "1.5B", "1.0000000001G", "0x10", "1 X",
        "1 MiB ", " 1", "1MiBs", "MiB", "1,5G", "1Ki", "infinity"}) {
    const auto parsed = parse_size(text);
    EXPECT_FALSE(parsed.ok()) << text;
    if (!parsed.ok()) EXPECT_EQ(parsed.error().code, Errc::kInvalid);
  }
}

TEST(ParseSize, SaysHowToWriteIt) {
  EXPECT_EQ(parse_size("lots").error().message,
            "'lots' is not a size; write it as '512MiB' or '1.5GiB'");
  EXPECT_EQ(parse_size("5 apples").error().message,
            "'apples' is not a unit of size; use B, KiB, MiB, GiB or TiB");
  EXPECT_EQ(parse_size("1\x1b").error().message,
            "'\\x1b' is not a unit of size; use B, KiB, MiB, GiB or TiB");
}

TEST(ParseDuration, ReadsUnitsAndTheirSums) {
  EXPECT_EQ(duration("30s"), milliseconds(30'000));
  EXPECT_EQ(duration("90"), milliseconds(90'000));
  EXPECT_EQ(duration("0.25"), milliseconds(250));
  EXPECT_EQ(duration("250ms"), milliseconds(250));
  EXPECT_EQ(duration("250 ms"), milliseconds(250));
  EXPECT_EQ(duration("1.5h"), milliseconds(5'400'000));
  EXPECT_EQ(duration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(duration("1h 30m 5s"), milliseconds(5'405'000));
  EXPECT_EQ(duration("2d"), milliseconds(172'800'000));
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", "0", "0s", "0.0001s", "-5s", "5 fortnights", "30m1h", "1h1h", "1h 30", "h", "1h,30m",
        "101000d", "99999999999999999999s", "1m\n", "10 m x"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(ParseCpus, ReadsCountsAndPercentages) {
  EXPECT_EQ(parse_cpus("2").value(), 200u);
  EXPECT_EQ(parse_cpus("0.5").value(), 50u);
  EXPECT_EQ(parse_cpus("150%").value(), 150u);
  EXPECT_EQ(parse_cpus("150 %").value(), 150u);
  EXPECT_EQ(parse_cpus("0.01").value(), 1u);
  EXPECT_EQ(parse_cpus("1.999").value(), 199u);
}

TEST(ParseCpus, RefusesEverythingElse) {
  for (const char* text : {"", "0", "0%", "0.001", "-1", "two", "1.", "%", "50%%", "99999999999"}) {
    EXPECT_FALSE(parse_cpus(text).ok()) << text;
  }
}

TEST(ParseCount, ReadsDigitsOnly) {
  EXPECT_EQ(parse_count("0").value(), 0u);
  EXPECT_EQ(parse_count("4294967295").value(), 4294967295u);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "4294967296", "1k"}) {
    EXPECT_FALSE(parse_count(text).ok()) << text;
  }
}

TEST(PrintSize, IsShortAndExact) {
  EXPECT_EQ(print_size(0), "0 B");
  EXPECT_EQ(print_size(1000), "1000 B");
  EXPECT_EQ(print_size(512u << 20), "512 MiB");
  EXPECT_EQ(print_size(1536), "1.5 KiB");
  EXPECT_EQ(print_size(4080218931), "3.8 GiB");
  EXPECT_EQ(print_size((1ull << 40) + 1), "1099511627777 B");
}

TEST(PrintDuration, IsShortAndExact) {
  EXPECT_EQ(print_duration(milliseconds(250)), "250 ms");
  EXPECT_EQ(print_duration(milliseconds(30'000)), "30s");
  EXPECT_EQ(print_duration(milliseconds(1'500)), "1.5s");
  EXPECT_EQ(print_duration(milliseconds(5'400'000)), "1h 30m");
  EXPECT_EQ(print_duration(milliseconds(60'250)), "1m 250ms");
  EXPECT_EQ(print_duration(milliseconds(86'400'000)), "1d");
}

TEST(PrintedUnits, ReadBackAsTheSameValue) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50000; ++round) {
    const std::uint64_t count = random() >> (random() % 64);
    ASSERT_EQ(bytes(print_size(count)), count) << print_size(count);
    const milliseconds time(1 + (random() >> (23 + random() % 40)));
    ASSERT_EQ(duration(print_duration(time)), time) << print_duration(time);
  }
}

}  // namespace
}  // namespace carrel::policy
