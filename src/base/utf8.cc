#include "base/utf8.h"

#include <algorithm>
#include <iterator>

namespace carrel {
namespace {

struct CodeRange {
  char32_t first;
  char32_t last;
};

// Controls, and characters that change how others are shown or show nothing.
// Sorted. Source: Unicode 15 categories Cc, Zl, Zp, Cn (non-characters) and
// the property Default_Ignorable_Code_Point, less the variation selectors.
constexpr CodeRange kUnprintable[] = {
    {0x0000, 0x001F},   {0x007F, 0x009F}, {0x00AD, 0x00AD}, {0x034F, 0x034F},   {0x061C, 0x061C},
    {0x115F, 0x1160},   {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},   {0x3164, 0x3164}, {0xD800, 0xDFFF}, {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF},
};

struct Lead {
  std::size_t size;
  char32_t bits;
  unsigned char second_min;  // narrower than 80..BF where RFC 3629 says so
  unsigned char second_max;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2, byte & 0x1Fu, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0xD, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, byte & 0x0Fu, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, byte & 0x07u, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 4, 0x80, 0x8F};
  return {0, 0, 0, 0};
}

}  // namespace

Utf8Char first_utf8_char(std::string_view text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte_at(0);
  if (first < 0x80) return {first, 1};

  const Utf8Char invalid{Utf8Char::kInvalidByte + first, 1};
  const Lead lead = lead_of(first);
  if (lead.size == 0 || text.size() < lead.size) return invalid;
  if (byte_at(1) < lead.second_min || byte_at(1) > lead.second_max) return invalid;
  char32_t code = lead.bits;
  for (std::size_t i = 1; i < lead.size; ++i) {
    if ((byte_at(i) & 0xC0) != 0x80) return invalid;
    code = (code << 6) | (byte_at(i) & 0x3Fu);
  }
  return {code, lead.size};
}

bool is_printable(char32_t code) {
  if (code >= Utf8Char::kInvalidByte) return false;
  if ((code & 0xFFFE) == 0xFFFE) return false;  // the last two of every plane
  const auto* const after =
      std::upper_bound(std::begin(kUnprintable), std::end(kUnprintable), code,
                       [](char32_t c, const CodeRange& range) { return c < range.first; });
  return after == std::begin(kUnprintable) || code > std::prev(after)->last;
}

}  // namespace carrel
