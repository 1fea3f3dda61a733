// A path pattern in the manner of .gitignore: '*' and '?' match within one
// component, "[a-z]" and "[!a]" one character of it, "**" as a whole component
// any number of components (also none). '\' takes the next character literally.
// A character is a UTF-8 character, or one byte where the text is not UTF-8.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace carrel::policy {

class Glob {
 public:
  // The text is brought into one spelling: "a//b/" becomes "a/b", "a/**/**"
  // becomes "a/**", "\a" becomes "a", "[^a]" becomes "[!a]", and "." goes.
  //
  // kInvalid for an empty pattern, a component "..", an unclosed '[', a range
  // that is backwards, "[:alpha:]", a trailing '\', a control character, or
  // "**" written against other text in a component.
  [[nodiscard]] static Result<Glob> parse(std::string_view text) { return take(std::string(text)); }
  // The same, of a text that is given away.
  [[nodiscard]] static Result<Glob> take(std::string text);

  // Most patterns of a profile are spelled as they are stored, and nothing in them
  // is special. They are then made in place, without parsing.
  struct Plain {
    std::string text;  // precondition: is_plain(text)
  };
  explicit Glob(Plain plain) : text_(std::move(plain.text)), spelled_(true) {}
  [[nodiscard]] static bool is_plain(std::string_view text);

  // True if the whole of `path` matches. Both are split at '/'; leading and
  // trailing slashes do not count. The time is at most the product of the two
  // lengths, for any pattern.
  [[nodiscard]] bool matches(std::string_view path) const;

  // True if `components` (of a relative path) match, the last of them included.
  [[nodiscard]] bool matches(const std::vector<std::string_view>& components) const;

  // True if some path below `dir` could match: decides whether a walk must go on there.
  [[nodiscard]] bool may_match_below(std::string_view dir) const;

  // The literal folder to start a walk from: "/a/b" for "/a/b/*.key", the
  // whole path for a literal. Unescaped.
  [[nodiscard]] const std::string& literal_prefix() const { return spelled_ ? text_ : prefix_; }

  [[nodiscard]] bool is_literal() const { return rest_.empty(); }  // holds no wildcard
  // Unescaped. Precondition: is_literal().
  [[nodiscard]] const std::string& literal() const { return literal_prefix(); }
  [[nodiscard]] const std::string& text() const { return text_; }

  // `path` with every special character escaped. Precondition: not empty, no
  // component ".." and no NUL.
  [[nodiscard]] static Glob of_literal(std::string_view path);

  auto operator<=>(const Glob& other) const { return text_ <=> other.text_; }
  bool operator==(const Glob& other) const { return text_ == other.text_; }

 private:
  struct Range {
    char32_t first;
    char32_t last;
  };
  struct Token {
    enum class Kind : std::uint8_t { kCharacter, kAnyCharacter, kAnyText, kClass };
    Kind kind = Kind::kCharacter;
    char32_t character = 0;     // of kCharacter
    bool negated = false;       // of kClass
    std::vector<Range> ranges;  // of kClass

    [[nodiscard]] bool accepts(char32_t c) const;
  };
  struct Component {
    enum class Kind : std::uint8_t { kLiteral, kPattern, kAnyDepth };
    Kind kind = Kind::kLiteral;
    std::string literal;        // of kLiteral, unescaped
    std::vector<Token> tokens;  // of kPattern

    [[nodiscard]] bool accepts(std::string_view name) const;
  };
  class Parser;

  Glob() = default;
  void append_literal(std::string_view name);
  // The places in `rest_` that can be reached by consuming `names`, its end included.
  [[nodiscard]] std::vector<bool> states_after(std::span<const std::string_view> names) const;

  std::string text_;
  bool spelled_ = false;         // nothing is special in text_: it is all there is to know
  std::string prefix_;           // else the literal components in front, unescaped, '/' between
  std::vector<Component> rest_;  // from the first wildcard on
};

}  // namespace carrel::policy
