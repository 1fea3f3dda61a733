#include "policy/document.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/path.h"

namespace carrel::policy {
namespace {

constexpr std::array<std::string_view, 8> kKinds = {
    "null", "a boolean", "an integer", "a number", "a string", "a list", "a table", "a date"};

std::string quoted(std::string_view text) { return "'" + printable(text) + "'"; }

// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
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

Error Source::error(Position at, std::string_view what) const {
  return locate(at, Error{Errc::kInvalid, std::string(what)});
}

Error Source::locate(Position at, Error error) const {
  return std::move(error).in(name_ + ":" + std::to_string(at.line) + ":" +
                             std::to_string(at.column));
}

Error Source::wrong_type(std::string_view key, std::string_view wanted, const Value& value) const {
  return error(value.at, quoted(key) + " is " + std::string(kKinds[value.data.index()]) +
                             "; it must be " + std::string(wanted));
}

Result<bool> Source::boolean(const Member& member) const {
  if (const auto* held = std::get_if<bool>(&member.value.data)) return *held;
  return wrong_type(member.key, "true or false", member.value);
}

Result<std::string_view> Source::string(const Member& member) const {
  return string_in(member.key, member.value);
}

Result<std::string_view> Source::string_in(std::string_view key, const Value& element) const {
  if (const auto* held = std::get_if<std::string>(&element.data)) return std::string_view(*held);
  return wrong_type(key, "a string", element);
}

Result<const Table*> Source::table(const Member& member) const {
  if (const auto* held = std::get_if<Table>(&member.value.data)) return held;
  return wrong_type(member.key, "a table", member.value);
}

Result<const Array*> Source::array(const Member& member) const {
  if (const auto* held = std::get_if<Array>(&member.value.data)) return held;
  return wrong_type(member.key, "a list", member.value);
}

Status Source::check_keys(const Table& table, std::string_view where,
                          std::span<const std::string_view> known) const {
  for (const Member& member : table) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    return error(member.at, "unknown key " + quoted(member.key) + " " + std::string(where) + "; " +
                                suggestion(member.key, known));
  }
  return Unit{};
}

const Member* find_member(const Table& table, std::string_view key) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Member& member) { return member.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::string suggestion(std::string_view wrong, std::span<const std::string_view> choices) {
  constexpr std::size_t kLongestKey = 64;  // an edit distance to more would only cost time
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, wrong.size() / 3) + 1;
  for (const std::string_view choice : choices) {
    const std::size_t distance =
        wrong.size() > kLongestKey ? best_distance : edit_distance(wrong, choice);
    if (distance >= best_distance) continue;
    best = choice;
    best_distance = distance;
  }
  if (!best.empty()) return "did you mean '" + std::string(best) + "'?";
  std::string out = "it can be";
  for (const std::string_view choice : choices) {
    out += choice == choices.front() ? " " : ", ";
    out += choice;
  }
  return out;
}

}  // namespace carrel::policy
