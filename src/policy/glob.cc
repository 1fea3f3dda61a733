#include "policy/glob.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/path.h"
#include "base/utf8.h"

namespace carrel::policy {
namespace {

constexpr std::string_view kSpecial = "\\*?[";

Error invalid(std::string message) { return Error{Errc::kInvalid, std::move(message)}; }

std::string escaped(std::string_view literal) {
  if (literal.find_first_of(kSpecial) == std::string_view::npos) return std::string(literal);
  std::string out;
  for (const char c : literal) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

using Names = std::vector<std::string_view>;

bool starts_with(const Names& names, const Names& prefix) {
  return names.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), names.begin());
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace

// Reads one component of a pattern.
class Glob::Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<Component> component() {
    if (rest_ == "**") return Component{Component::Kind::kAnyDepth, {}, {}};
    if (rest_.find_first_of(kSpecial) == std::string_view::npos) {
      canonical_ = rest_;
      return Component{Component::Kind::kLiteral, std::string(rest_), {}};
    }
    while (!rest_.empty()) {
      if (rest_.starts_with("**")) {
        return invalid(
            "'**' stands against other text; it must be a whole path component, as in "
            "'a/**/b'");
      }
      CARREL_TRY(Token next, token());
      tokens_.push_back(std::move(next));
    }
    if (std::any_of(tokens_.begin(), tokens_.end(),
                    [](const Token& t) { return t.kind != Token::Kind::kCharacter; })) {
      return Component{Component::Kind::kPattern, {}, std::move(tokens_)};
    }
    return Component{Component::Kind::kLiteral, std::move(literal_), {}};
  }

  // The component in its one spelling. Valid after component() succeeded.
  [[nodiscard]] const std::string& canonical() const { return canonical_; }

 private:
  static constexpr std::string_view kUnclosed =
      "'[' is not closed within its path component; write '\\[' for the character itself";

  Result<Token> token() {
    const char first = rest_.front();
    if (first == '*' || first == '?') {
      rest_.remove_prefix(1);
      canonical_ += first;
      return Token{first == '*' ? Token::Kind::kAnyText : Token::Kind::kAnyCharacter, 0, false, {}};
    }
    if (first == '[') return character_class();
    CARREL_TRY(const std::string_view bytes, character());
    canonical_ += escaped(bytes);
    literal_ += bytes;
    return Token{Token::Kind::kCharacter, first_utf8_char(bytes).code, false, {}};
  }

  // One character, the '\' before it removed.
  Result<std::string_view> character() {
    if (rest_.front() == '\\') {
      rest_.remove_prefix(1);
      if (rest_.empty()) {
        return invalid(
            "'\\' at the end of a path component; write '\\\\' for the character itself");
      }
    }
    const std::string_view bytes = rest_.substr(0, first_utf8_char(rest_).size);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  Result<Token> character_class() {
    Token token{Token::Kind::kClass, 0, false, {}};
    rest_.remove_prefix(1);
    canonical_ += '[';
    if (rest_.starts_with('!') || rest_.starts_with('^')) {
      token.negated = true;
      rest_.remove_prefix(1);
      canonical_ += '!';
    }
    // A ']' that comes first is a member; "[]" alone would match nothing.
    for (bool first = true; first || !rest_.starts_with(']'); first = false) {
      if (rest_.empty()) return invalid(std::string(kUnclosed));
      if (rest_.starts_with("[:") || rest_.starts_with("[.") || rest_.starts_with("[=")) {
        return invalid("named classes such as '[:alpha:]' are not known; write 'a-zA-Z'");
      }
      CARREL_TRY(const Range range, class_range());
      token.ranges.push_back(range);
    }
    rest_.remove_prefix(1);
    canonical_ += ']';
    return token;
  }

  Result<Range> class_range() {
    CARREL_TRY(const std::string_view first, class_character());
    std::string_view last = first;
    if (rest_.starts_with('-') && rest_.size() > 1 && rest_[1] != ']') {
      rest_.remove_prefix(1);
      canonical_ += '-';
      CARREL_TRY(last, class_character());
    }
    const Range range{first_utf8_char(first).code, first_utf8_char(last).code};
    if (range.first > range.last) {
      return invalid("the range '" + std::string(first) + "-" + std::string(last) +
                     "' is backwards; write the lower character first");
    }
    return range;
  }

  // Members that have a meaning in a class are written with '\' in every place,
  // so that no spelling depends on where the member stands.
  Result<std::string_view> class_character() {
    CARREL_TRY(const std::string_view bytes, character());
    if (std::string_view("\\]!^-[").find(bytes) != std::string_view::npos) canonical_ += '\\';
    canonical_ += bytes;
    return bytes;
  }

  std::string_view rest_;
  std::string literal_;
  std::string canonical_;
  std::vector<Token> tokens_;
};

bool Glob::Token::accepts(char32_t c) const {
  if (kind == Kind::kCharacter) return c == character;
  if (kind == Kind::kAnyCharacter) return true;
  const bool member = std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return range.first <= c && c <= range.last;
  });
  return member != negated;
}

// The text after a '*' is tried at each place once: where a later '*' was
// reached, no earlier one can do better, so only the last is ever moved on.
bool Glob::Component::accepts(std::string_view name) const {
  if (kind == Kind::kAnyDepth) return true;
  if (kind == Kind::kLiteral) return name == literal;

  std::size_t next = 0;
  std::size_t star = tokens.size();  // none yet
  std::string_view after_star;       // where the text that follows `star` is tried
  while (!name.empty()) {
    const Utf8Char c = first_utf8_char(name);
    if (next < tokens.size() && tokens[next].kind == Token::Kind::kAnyText) {
      star = next++;
      after_star = name;
    } else if (next < tokens.size() && tokens[next].accepts(c.code)) {
      name.remove_prefix(c.size);
      ++next;
    } else if (star < tokens.size()) {
      after_star.remove_prefix(first_utf8_char(after_star).size);
      name = after_star;
      next = star + 1;
    } else {
      return false;
    }
  }
  return std::all_of(tokens.begin() + static_cast<std::ptrdiff_t>(next), tokens.end(),
                     [](const Token& token) { return token.kind == Token::Kind::kAnyText; });
}

void Glob::append_literal(std::string_view name) {
  if (!prefix_.empty() && prefix_ != "/") prefix_ += '/';
  prefix_ += name;
}

namespace {

// What a character means to is_plain(), for each byte.
enum class Kind : std::uint8_t { kPlain, kSlash, kOther };

constexpr std::array<Kind, 256> kKinds = [] {
  std::array<Kind, 256> kinds{};
  for (int c = 0; c < 0x20; ++c) kinds[static_cast<std::size_t>(c)] = Kind::kOther;
  for (const char c : {'*', '?', '[', ']', '\\', '\x7f'})
    kinds[static_cast<unsigned char>(c)] = Kind::kOther;
  kinds['/'] = Kind::kSlash;
  return kinds;
}();

}  // namespace

// No component to drop either.
bool Glob::is_plain(std::string_view text) {
  if (text.starts_with('/')) text.remove_prefix(1);
  const char* start = text.data();  // of the component
  const char* const end = text.data() + text.size();
  for (const char* at = start;; ++at) {
    const Kind kind = at == end ? Kind::kSlash : kKinds[static_cast<unsigned char>(*at)];
    if (kind == Kind::kPlain) continue;
    if (kind == Kind::kOther || at == start) return false;
    if (*start == '.' && (at - start == 1 || (at - start == 2 && start[1] == '.'))) return false;
    if (at == end) return true;
    start = at + 1;
  }
}

Result<Glob> Glob::take(std::string text) {
  if (is_plain(text)) return Glob(Plain{std::move(text)});
  if (text.empty()) return invalid("the pattern is empty");
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return invalid("the pattern holds a control character; use '?' in its place");
  }
  Glob glob;
  if (text.starts_with('/')) glob.text_ = glob.prefix_ = "/";
  for (const std::string_view part : path_components(text)) {
    Parser parser(part);
    CARREL_TRY(Component component, parser.component());
    if (component.literal == ".") continue;
    if (component.literal == "..") {
      return invalid("'..' in a pattern; write the folder that is meant");
    }
    const bool any_depth = component.kind == Component::Kind::kAnyDepth;
    if (any_depth && !glob.rest_.empty() && glob.rest_.back().kind == component.kind) continue;
    if (!glob.text_.empty() && glob.text_ != "/") glob.text_ += '/';
    glob.text_ += any_depth ? "**" : parser.canonical();
    if (glob.rest_.empty() && component.kind == Component::Kind::kLiteral) {
      glob.append_literal(component.literal);
    } else {
      glob.rest_.push_back(std::move(component));
    }
  }
  if (glob.text_.empty()) return invalid("the pattern names nothing");
  return glob;
}

Glob Glob::of_literal(std::string_view path) {
  Glob glob;
  if (path.starts_with('/')) glob.prefix_ = "/";
  for (const std::string_view part : path_components(path)) glob.append_literal(part);
  glob.text_ = escaped(glob.prefix_);
  return glob;
}

std::vector<bool> Glob::states_after(std::span<const std::string_view> names) const {
  const std::size_t end = rest_.size();
  // "**" may take nothing: whoever stands before it also stands behind it.
  const auto pass_any_depth = [&](std::vector<bool>& states) {
    for (std::size_t i = 0; i < end; ++i) {
      if (states[i] && rest_[i].kind == Component::Kind::kAnyDepth) states[i + 1] = true;
    }
  };
  std::vector<bool> states(end + 1);
  states[0] = true;
  pass_any_depth(states);
  for (const std::string_view name : names) {
    std::vector<bool> next(end + 1);
    bool alive = false;
    for (std::size_t i = 0; i < end; ++i) {
      if (!states[i] || !rest_[i].accepts(name)) continue;
      next[rest_[i].kind == Component::Kind::kAnyDepth ? i : i + 1] = true;
      alive = true;
    }
    if (!alive) return next;
    pass_any_depth(next);
    states = std::move(next);
  }
  return states;
}

bool Glob::matches(std::string_view path) const { return matches(path_components(path)); }

bool Glob::matches(const std::vector<std::string_view>& components) const {
  const Names prefix = path_components(literal_prefix());
  if (!starts_with(components, prefix)) return false;
  return states_after(std::span(components).subspan(prefix.size())).back();
}

bool Glob::may_match_below(std::string_view dir) const {
  const Names names = path_components(dir);
  const Names prefix = path_components(literal_prefix());
  if (names.size() < prefix.size()) return starts_with(prefix, names);
  if (!starts_with(names, prefix)) return false;
  std::vector<bool> states = states_after(std::span(names).subspan(prefix.size()));
  states.pop_back();  // the end of the pattern takes nothing more
  return std::find(states.begin(), states.end(), true) != states.end();
}

}  // namespace carrel::policy
