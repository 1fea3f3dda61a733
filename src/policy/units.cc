#include "policy/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/path.h"

namespace carrel::policy {
namespace {

// Enough for any unit here, and small enough that no sum below overflows.
constexpr std::size_t kMaxFractionDigits = 9;
constexpr std::uint64_t kMaxValue = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMillisecondsPerYear = 365ull * 24 * 3600 * 1000;
constexpr std::uint64_t kMaxMilliseconds = 100 * kMillisecondsPerYear;

struct Scale {
  std::string_view name;  // lower case
  std::uint64_t factor;
};

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr std::uint64_t kTiB = 1024 * kGiB;
constexpr std::array<Scale, 14> kSizes = {{{"", 1},
                                           {"b", 1},
                                           {"k", kKiB},
                                           {"kib", kKiB},
                                           {"kb", 1'000},
                                           {"m", kMiB},
                                           {"mib", kMiB},
                                           {"mb", 1'000'000},
                                           {"g", kGiB},
                                           {"gib", kGiB},
                                           {"gb", 1'000'000'000},
                                           {"t", kTiB},
                                           {"tib", kTiB},
                                           {"tb", 1'000'000'000'000}}};

// From the longest to the shortest: a duration names its units in this order.
constexpr std::array<Scale, 5> kDurations = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

template <typename Accept>
std::string_view take_while(std::string_view& text, Accept accept) {
  const auto* const end = std::find_if_not(text.begin(), text.end(), accept);
  const std::string_view taken(text.begin(), static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(taken.size());
  return taken;
}

// A decimal number without sign or exponent, as digits before and after the dot.
struct Decimal {
  std::string_view whole;
  std::string_view fraction;

  [[nodiscard]] bool has_fraction() const { return !fraction.empty(); }

  // This number times `factor`, rounded down. Nothing if it does not fit.
  [[nodiscard]] std::optional<std::uint64_t> times(std::uint64_t factor) const {
    const auto units = to_number(whole);
    if (!units || (*units != 0 && factor > kMaxValue / *units)) return std::nullopt;
    std::uint64_t scale = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    const std::uint64_t part = has_fraction() ? *to_number(fraction) : 0;
    // part < scale <= 10^9, so neither product can overflow.
    const std::uint64_t below = factor / scale * part + factor % scale * part / scale;
    if (below > kMaxValue - *units * factor) return std::nullopt;
    return *units * factor + below;
  }

 private:
  static std::optional<std::uint64_t> to_number(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [stop, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc{}) return std::nullopt;
    return value;
  }
};

std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal number;
  number.whole = take_while(text, is_digit);
  if (number.whole.empty()) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    number.fraction = take_while(text, is_digit);
    if (number.fraction.empty() || number.fraction.size() > kMaxFractionDigits) return std::nullopt;
  }
  return number;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <std::size_t N>
const Scale* find_scale(const std::array<Scale, N>& scales, std::string_view name) {
  const auto* const found = std::find_if(scales.begin(), scales.end(),
                                         [&](const Scale& scale) { return scale.name == name; });
  return found == scales.end() ? nullptr : found;
}

// The shortest decimal with at most three digits that reads back as exactly
// `value`, in units of `factor`.
std::optional<std::string> exact_decimal(std::uint64_t value, std::uint64_t factor) {
  const std::uint64_t whole = value / factor;
  std::uint64_t scale = 1;
  for (std::size_t digits = 0; digits <= 3; ++digits, scale *= 10) {
    // Rounded up, since reading rounds down. factor <= 2^40: no overflow.
    const std::uint64_t part = (value % factor * scale + factor - 1) / factor;
    if (part >= scale && part != 0) continue;
    std::string text = std::to_string(whole);
    const std::string fraction = std::to_string(part);
    if (digits > 0) text += "." + std::string(digits - fraction.size(), '0') + fraction;
    std::string_view rest = text;
    if (take_decimal(rest)->times(factor) == value) return text;
  }
  return std::nullopt;
}

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::optional<Decimal> number = take_decimal(rest);
  if (!number) return invalid(in_quotes(text) + " is not a size; write it as '512MiB' or '1.5GiB'");
  skip_spaces(rest);
  const Scale* const unit = find_scale(kSizes, lower(rest));
  if (unit == nullptr) {
    return invalid(in_quotes(rest) + " is not a unit of size; use B, KiB, MiB, GiB or TiB");
  }
  if (unit->factor == 1 && number->has_fraction()) {
    return invalid(in_quotes(text) + " is not a whole number of bytes; add a unit such as MiB");
  }
  const std::optional<std::uint64_t> bytes = number->times(unit->factor);
  if (!bytes)
    return invalid(in_quotes(text) + " is larger than any size can be; write a smaller one");
  return *bytes;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto malformed = [&] {
    return invalid(in_quotes(text) + " is not a duration; write it as '30s', '10m' or '1h30m'");
  };
  std::uint64_t total = 0;
  std::string_view rest = text;
  const auto* next_unit = kDurations.begin();  // units come in order, each at most once
  do {
    const std::optional<Decimal> number = take_decimal(rest);
    if (!number) return malformed();
    skip_spaces(rest);
    const std::string_view name = take_while(rest, is_letter);
    const bool bare = name.empty() && rest.empty() && total == 0;  // "90": seconds
    const Scale* const unit = find_scale(kDurations, bare ? "s" : lower(name));
    if (unit == nullptr || unit < next_unit) return malformed();
    next_unit = unit + 1;
    const std::optional<std::uint64_t> part = number->times(unit->factor);
    if (!part || *part > kMaxMilliseconds - total) {
      return invalid(in_quotes(text) + " is longer than 100 years; write a shorter time");
    }
    total += *part;
    skip_spaces(rest);
  } while (!rest.empty());
  if (total == 0) return invalid(in_quotes(text) + " is no time at all; write at least 1ms");
  return std::chrono::milliseconds(total);
}

Result<std::uint32_t> parse_cpus(std::string_view text) {
  std::string_view rest = text;
  const std::optional<Decimal> number = take_decimal(rest);
  skip_spaces(rest);
  if (!number || (!rest.empty() && rest != "%")) {
    return invalid(in_quotes(text) + " is not a number of CPUs; write it as '2', '0.5' or '150%'");
  }
  const std::optional<std::uint64_t> percent = number->times(rest == "%" ? 1 : 100);
  if (!percent || *percent > std::numeric_limits<std::uint32_t>::max()) {
    return invalid(in_quotes(text) + " is more CPUs than any machine has; write a smaller number");
  }
  if (*percent == 0)
    return invalid(in_quotes(text) + " is less than 1% of a CPU; write at least 0.01");
  return static_cast<std::uint32_t>(*percent);
}

Result<std::uint32_t> parse_count(std::string_view text) {
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  if (failure == std::errc::result_out_of_range && stop == end) {
    return invalid(in_quotes(text) + " is too large; write at most 4294967295");
  }
  if (failure != std::errc{} || stop != end) {
    return invalid(in_quotes(text) + " is not a whole number; write digits only");
  }
  return count;
}

std::string print_size(std::uint64_t bytes) {
  constexpr std::array<Scale, 4> kPrinted = {
      {{" TiB", kTiB}, {" GiB", kGiB}, {" MiB", kMiB}, {" KiB", kKiB}}};
  for (const Scale& unit : kPrinted) {
    // A number that needs five digits is no easier to read in that unit.
    if (bytes < unit.factor || bytes / unit.factor > 9999) continue;
    if (auto text = exact_decimal(bytes, unit.factor)) return *text + std::string(unit.name);
  }
  return std::to_string(bytes) + " B";
}

std::string print_duration(std::chrono::milliseconds time) {
  auto rest = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
  if (rest < 1000) return std::to_string(rest) + " ms";
  std::string out;
  const auto add = [&](const std::string& part, std::string_view unit) {
    if (!out.empty()) out += ' ';
    out += part;
    out += unit;
  };
  for (const Scale& unit : kDurations) {
    if (rest < unit.factor || unit.factor < 1000) continue;
    if (unit.name == "s") {
      add(*exact_decimal(rest, unit.factor), unit.name);
      rest = 0;
    } else {
      add(std::to_string(rest / unit.factor), unit.name);
      rest %= unit.factor;
    }
  }
  if (rest > 0) add(std::to_string(rest), "ms");
  return out;
}

}  // namespace carrel::policy
