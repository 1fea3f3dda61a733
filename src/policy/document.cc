#include "policy/document.h"

#include <algorithm>
#include <array>

#include "base/closest.h"
#include "base/path.h"

namespace carrel::policy {
namespace {

constexpr std::array<std::string_view, 8> kKinds = {
    "null", "a boolean", "an integer", "a number", "a string", "a list", "a table", "a date"};

}  // namespace

Error Source::error(Position at, std::string_view what) const {
  return locate(at, Error{Errc::kInvalid, std::string(what)});
}

Error Source::locate(Position at, Error error) const {
  return std::move(error).in(name_ + ":" + std::to_string(at.line) + ":" +
                             std::to_string(at.column));
}

Error Source::wrong_type(std::string_view key, std::string_view wanted, const Value& value) const {
  return error(value.at, in_quotes(key) + " is " + std::string(kKinds[value.data.index()]) +
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
    return error(member.at, "unknown key " + in_quotes(member.key) + " " + std::string(where) +
                                "; " + suggestion(member.key, known));
  }
  return Unit{};
}

const Member* find_member(const Table& table, std::string_view key) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Member& member) { return member.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::string suggestion(std::string_view wrong, std::span<const std::string_view> choices) {
  const std::string_view best = closest(wrong, choices);
  if (!best.empty()) return "did you mean '" + std::string(best) + "'?";
  std::string out = "it can be";
  for (const std::string_view choice : choices) {
    out += choice == choices.front() ? " " : ", ";
    out += choice;
  }
  return out;
}

}  // namespace carrel::policy
