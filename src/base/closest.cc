#include "base/closest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace carrel {
namespace {

constexpr std::size_t kLongestWord = 64;  // to compare more would only cost time

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_back(b.size() + 1);
  std::vector<std::size_t> back(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(back.begin(), back.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({back[j] + 1, row[j - 1] + 1, back[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_back[j - 2] + 1);
      }
    }
    two_back = back;
    back = row;
  }
  return back[b.size()];
}

}  // namespace

std::string_view closest(std::string_view wrong, std::span<const std::string_view> choices) {
  if (wrong.size() > kLongestWord) return {};
  std::string_view best;
  // More slips than this are another word.
  std::size_t least = std::max<std::size_t>(1, wrong.size() / 3) + 1;
  for (const std::string_view choice : choices) {
    const std::size_t distance = edit_distance(wrong, choice);
    if (distance >= least) continue;
    best = choice;
    least = distance;
  }
  return best;
}

}  // namespace carrel
