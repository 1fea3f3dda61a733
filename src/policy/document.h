// A configuration file as a tree in which every key and value knows its place,
// so that whoever reads it can say "SOURCE:LINE:COLUMN: what; fix". TOML and
// JSON come out the same; what they mean is for from_toml and from_settings.
#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace carrel::policy {

struct Position {  // counted from 1, columns in characters
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  auto operator<=>(const Position&) const = default;
};

struct Value;
struct Member;
using Array = std::vector<Value>;
using Table = std::vector<Member>;  // keys are unique; in the order of the file

struct Null {};
struct DateOrTime {};  // TOML has them; no policy does

struct Value {
  Position at;
  std::variant<Null, bool, std::int64_t, double, std::string, Array, Table, DateOrTime> data;
};

struct Member {
  std::string key;
  Position at;  // of the key
  Value value;
};

// Parses the syntax alone. `source` names the file in messages.
[[nodiscard]] Result<Table> parse_toml(std::string_view text, std::string_view source);
// The top level must be an object; duplicate keys are refused. No comments.
[[nodiscard]] Result<Table> parse_json(std::string_view text, std::string_view source);

// What a file's readers share: its name, and messages that point into it.
class Source {
 public:
  explicit Source(std::string_view name) : name_(name) {}

  [[nodiscard]] Error error(Position at, std::string_view what) const;
  // Puts the place before a message that does not know it.
  [[nodiscard]] Error locate(Position at, Error error) const;

  // Each refuses another type with the key, what it is and what it must be.
  // What a pointer or view leads to lives in the member.
  [[nodiscard]] Result<bool> boolean(const Member& member) const;
  [[nodiscard]] Result<std::string_view> string(const Member& member) const;
  [[nodiscard]] Result<const Table*> table(const Member& member) const;
  [[nodiscard]] Result<const Array*> array(const Member& member) const;
  // Of an element of the list `key`.
  [[nodiscard]] Result<std::string_view> string_in(std::string_view key,
                                                   const Value& element) const;
  [[nodiscard]] Error wrong_type(std::string_view key, std::string_view wanted,
                                 const Value& value) const;

  // Refuses the first key that is not `known`; suggests the nearest that is.
  [[nodiscard]] Status check_keys(const Table& table, std::string_view where,
                                  std::span<const std::string_view> known) const;

 private:
  std::string name_;
};

[[nodiscard]] const Member* find_member(const Table& table, std::string_view key);

// "did you mean 'write'?", or what the choices are if none is near.
[[nodiscard]] std::string suggestion(std::string_view wrong,
                                     std::span<const std::string_view> choices);

}  // namespace carrel::policy
