// JSON through Boost.JSON's event parser. It tells what it met but not where,
// so it is fed one byte at a time: the byte at hand is the place.
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_set>

#include "base/path.h"
#include "policy/document.h"

namespace carrel::policy {
namespace {

namespace json = boost::json;

// Follows the text just closely enough to know where each token starts. The
// parser decides whether it is JSON.
class Cursor {
 public:
  // Before the parser sees `c`.
  void meet(char c) {
    if (in_string_) return;
    const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    const bool closes = c == ',' || c == ':' || c == ']' || c == '}';
    if (blank || closes) {
      in_scalar_ = false;
    } else if (!in_scalar_) {
      token_ = here_;
      in_scalar_ = c != '"' && c != '[' && c != '{';
    }
  }

  // After the parser saw `c`.
  void pass(char c) {
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
    } else {
      in_string_ = c == '"';
    }
    if (c == '\n') {
      here_ = {here_.line + 1, 1};
    } else if ((c & 0xC0) != 0x80) {  // not the tail of a UTF-8 character
      ++here_.column;
    }
  }

  [[nodiscard]] Position here() const { return here_; }
  [[nodiscard]] Position token() const { return token_; }

 private:
  Position here_;
  Position token_;  // where the last token started
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_scalar_ = false;
};

// Builds the tree from the parser's events.
class Builder {
 public:
  static constexpr std::size_t max_array_size = 100'000;
  static constexpr std::size_t max_object_size = 100'000;
  static constexpr std::size_t max_string_size = 1 << 20;
  static constexpr std::size_t max_key_size = 1 << 16;

  explicit Builder(const Cursor& cursor) : cursor_(cursor) {}

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return begin(Table{}); }
  bool on_object_end(std::size_t, json::error_code&) { return end(); }
  bool on_array_begin(json::error_code&) { return begin(Array{}); }
  bool on_array_end(std::size_t, json::error_code&) { return end(); }

  bool on_key_part(json::string_view part, std::size_t, json::error_code&) { return append(part); }
  bool on_key(json::string_view part, std::size_t, json::error_code& error) {
    append(part);
    Frame& frame = open_.back();
    if (!frame.keys.insert(text_).second) {
      duplicate_ = text_;
      error = json::make_error_code(json::error::syntax);
      return false;
    }
    frame.key = std::exchange(text_, {});
    frame.key_at = cursor_.token();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
    return append(part);
  }
  bool on_string(json::string_view part, std::size_t, json::error_code&) {
    append(part);
    return add({cursor_.token(), std::exchange(text_, {})});
  }

  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    return add({cursor_.token(), number});
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
    return add({cursor_.token(), static_cast<double>(number)});  // past every std::int64_t
  }
  bool on_double(double number, json::string_view, json::error_code&) {
    return add({cursor_.token(), number});
  }
  bool on_bool(bool truth, json::error_code&) { return add({cursor_.token(), truth}); }
  bool on_null(json::error_code&) { return add({cursor_.token(), Null{}}); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  [[nodiscard]] const std::optional<std::string>& duplicate() const { return duplicate_; }
  [[nodiscard]] Value take_root() { return std::move(root_); }

 private:
  struct Frame {  // an object or array that is not closed yet
    Value value;
    std::unordered_set<std::string> keys;
    std::string key;
    Position key_at;
  };

  template <typename Container>
  bool begin(Container empty) {
    open_.push_back({{cursor_.token(), std::move(empty)}, {}, {}, {}});
    return true;
  }

  bool end() {
    Value done = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(done));
  }

  bool add(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return true;
    }
    Frame& frame = open_.back();
    if (auto* table = std::get_if<Table>(&frame.value.data)) {
      table->push_back({std::move(frame.key), frame.key_at, std::move(value)});
    } else {
      std::get<Array>(frame.value.data).push_back(std::move(value));
    }
    return true;
  }

  bool append(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  const Cursor& cursor_;
  std::vector<Frame> open_;
  std::string text_;  // of the key or string at hand
  std::optional<std::string> duplicate_;
  Value root_;
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Error not_json(const Source& source, Position at, const json::error_code& why) {
  return source.error(at, "this is not JSON (" + why.message() +
                              "); look for a missing or extra comma, quote or comment here");
}

}  // namespace

Result<Table> parse_json(std::string_view text, std::string_view source_name) {
  const Source source(source_name);
  if (is_blank(text)) return source.error({}, "the file is empty; write at least {}");

  Cursor cursor;
  json::basic_parser<Builder> parser(json::parse_options(), cursor);
  json::error_code error;
  for (const char c : text) {
    cursor.meet(c);
    const std::size_t taken = parser.write_some(true, &c, 1, error);
    if (const auto& key = parser.handler().duplicate()) {
      return source.error(cursor.token(),
                          "the key '" + printable(*key) + "' is here twice; remove one of them");
    }
    if (!error && taken == 0) error = json::make_error_code(json::error::extra_data);
    if (error) return not_json(source, cursor.here(), error);
    cursor.pass(c);
  }
  parser.write_some(false, nullptr, 0, error);
  if (error) return not_json(source, cursor.here(), error);

  Value root = parser.handler().take_root();
  if (auto* table = std::get_if<Table>(&root.data)) return std::move(*table);
  return source.error(root.at, "the file must hold one object; write { ... }");
}

}  // namespace carrel::policy
