#include "cli/json.h"

#include <array>

#include "base/utf8.h"

namespace carrel::cli {
namespace {

constexpr std::size_t kStep = 2;

void append_unit(char32_t unit, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(unit >> shift) & 0xF];
}

void append_escaped(char32_t code, std::string& out) {
  constexpr char32_t kSupplementary = 0x10000;
  if (code < kSupplementary) return append_unit(code, out);
  append_unit(0xD800 + ((code - kSupplementary) >> 10), out);
  append_unit(0xDC00 + ((code - kSupplementary) & 0x3FF), out);
}

// Boost.JSON escapes what JSON demands; the rest is for terminals.
void append_string(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const Utf8Char next = first_utf8_char(text);
    if (!next.valid()) {
      out += "\\ufffd";
    } else if (next.code == '"' || next.code == '\\') {
      out += '\\';
      out += static_cast<char>(next.code);
    } else if (is_printable(next.code)) {
      out += text.substr(0, next.size);
    } else {
      append_escaped(next.code, out);
    }
    text.remove_prefix(next.size);
  }
  out += '"';
}

void append_line(std::size_t indent, std::string& out) {
  out += '\n';
  out.append(indent, ' ');
}

void append(const boost::json::value& value, std::size_t indent, std::string& out) {
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    char before = '{';
    for (const auto& member : *object) {
      out += before;
      before = ',';
      append_line(indent + kStep, out);
      append_string(std::string_view(member.key().data(), member.key().size()), out);
      out += ": ";
      append(member.value(), indent + kStep, out);
    }
    append_line(indent, out);
    out += '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    char before = '[';
    for (const auto& element : *array) {
      out += before;
      before = ',';
      append_line(indent + kStep, out);
      append(element, indent + kStep, out);
    }
    append_line(indent, out);
    out += ']';
  } else if (const auto* string = value.if_string()) {
    append_string(std::string_view(string->data(), string->size()), out);
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

std::string json_text(const boost::json::value& value) {
  std::string out;
  append(value, 0, out);
  out += '\n';
  return out;
}

}  // namespace carrel::cli
