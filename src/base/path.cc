#include "base/path.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/utf8.h"

namespace carrel {
namespace {

void append_escape(std::string& out, unsigned char byte) {
  out += "\\x";
  append_hex(out, byte);
}

void append_components(std::string_view path, std::vector<std::string_view>& components) {
  for (const std::string_view component : path_components(path)) {
    if (component == ".") continue;
    if (component != "..") {
      components.push_back(component);
    } else if (!components.empty()) {
      components.pop_back();
    }
  }
}

bool is_shell_safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
}

// Calls `plain(bytes)` for each printable character and `other(byte)` for each
// byte that is not part of one.
template <typename Plain, typename Other>
void split_printable(std::string_view text, Plain plain, Other other) {
  while (!text.empty()) {
    const Utf8Char c = first_utf8_char(text);
    const std::string_view bytes = text.substr(0, c.size);
    text.remove_prefix(c.size);
    if (is_printable(c.code)) {
      plain(bytes);
    } else {
      for (const char byte : bytes) other(static_cast<unsigned char>(byte));
    }
  }
}

bool is_all_printable(std::string_view text) {
  bool all = true;
  split_printable(text, [](std::string_view) {}, [&](unsigned char) { all = false; });
  return all;
}

}  // namespace

std::string normalize_path(std::string_view base, std::string_view path) {
  std::vector<std::string_view> components;
  if (!path.starts_with('/')) append_components(base, components);
  append_components(path, components);
  if (components.empty()) return "/";
  std::string out;
  for (const std::string_view component : components) {
    out += '/';
    out += component;
  }
  return out;
}

bool is_within(std::string_view path, std::string_view dir) {
  if (!path.starts_with(dir)) return false;
  return dir == "/" || path.size() == dir.size() || path[dir.size()] == '/';
}

std::vector<std::string_view> path_components(std::string_view path) {
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) components.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return components;
}

std::string_view parent_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash);
}

std::string shell_quoted(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_shell_safe)) {
    return std::string(text);
  }
  // $'...' is the one quoting that can spell an unprintable byte.
  const bool plain = is_all_printable(text);
  std::string out = plain ? "'" : "$'";
  split_printable(
      text,
      [&](std::string_view bytes) {
        if (bytes == "'") {
          out += plain ? "'\\''" : "\\'";
        } else if (bytes == "\\" && !plain) {
          out += "\\\\";
        } else {
          out += bytes;
        }
      },
      [&](unsigned char byte) { append_escape(out, byte); });
  out += '\'';
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  split_printable(
      text, [&](std::string_view bytes) { out += bytes; },
      [&](unsigned char byte) { append_escape(out, byte); });
  return out;
}

std::string in_quotes(std::string_view text) { return "'" + printable(text) + "'"; }

}  // namespace carrel
