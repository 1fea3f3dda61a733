#include "egress/ssh_refusal.h"

#include <cstdint>

#include "base/path.h"

namespace carrel::egress {
namespace {

void put_number(std::string& out, std::size_t value) {
  for (const unsigned shift : {24u, 16u, 8u, 0u}) out += static_cast<char>(value >> shift & 0xFF);
}

void put_string(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

}  // namespace

std::string ssh_refusal(std::string_view reason) {
  constexpr char kDisconnect = 1;
  constexpr std::size_t kHostNotAllowed = 1;
  constexpr std::size_t kBlock = 8;
  constexpr std::size_t kLeastPadding = 4;
  std::string payload(1, kDisconnect);
  put_number(payload, kHostNotAllowed);
  put_string(payload, printable(reason));
  put_string(payload, "en");

  const std::size_t unpadded = 4 + 1 + payload.size();
  std::size_t padding = kBlock - unpadded % kBlock;
  if (padding < kLeastPadding) padding += kBlock;
  std::string message = "SSH-2.0-carrel\r\n";
  put_number(message, 1 + payload.size() + padding);
  message += static_cast<char>(padding);
  message += payload;
  message.append(padding, '\0');
  return message;
}

}  // namespace carrel::egress
