#include "egress/client_hello.h"

#include <optional>

namespace carrel::egress {
namespace {

using Kind = ClientHello::Kind;

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint8_t kHostNameType = 0;
constexpr std::size_t kRecordHeader = 5;
constexpr std::size_t kMessageHeader = 4;
constexpr std::size_t kMaxRecord = 1 << 14;

// Takes from the front; nullopt once anything was missing.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::size_t> number(std::size_t width) {
    if (rest_.size() < width) return std::nullopt;
    std::size_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      value = value << 8 | static_cast<unsigned char>(rest_[i]);
    }
    rest_.remove_prefix(width);
    return value;
  }
  std::optional<std::string_view> bytes(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  // Bytes behind their own length, which has `width` bytes.
  std::optional<std::string_view> vector(std::size_t width) {
    const auto size = number(width);
    return size ? bytes(*size) : std::nullopt;
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::size_t size() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

ClientHello malformed() { return {Kind::kMalformed, {}}; }

// server_name_list<1..2^16-1> of one host_name.
ClientHello read_server_names(std::string_view extension) {
  Reader outer(extension);
  const auto list = outer.vector(2);
  if (!list || !outer.empty()) return malformed();
  Reader names(*list);
  const auto type = names.number(1);
  const auto name = names.vector(2);
  if (!type || *type != kHostNameType || !name || name->empty() || !names.empty()) {
    return malformed();
  }
  return {Kind::kName, std::string(*name)};
}

ClientHello read_extensions(std::string_view block) {
  Reader extensions(block);
  ClientHello hello{Kind::kNoName, {}};
  while (!extensions.empty()) {
    const auto type = extensions.number(2);
    const auto body = extensions.vector(2);
    if (!type || !body) return malformed();
    if (*type != kServerNameExtension) continue;
    if (hello.kind != Kind::kNoName) return malformed();
    hello = read_server_names(*body);
    if (hello.kind == Kind::kMalformed) return hello;
  }
  return hello;
}

ClientHello read_message(std::string_view body) {
  Reader reader(body);
  constexpr std::size_t kVersionAndRandom = 2 + 32;
  if (!reader.bytes(kVersionAndRandom) || !reader.vector(1) || !reader.vector(2) ||
      !reader.vector(1)) {
    return malformed();
  }
  if (reader.empty()) return {Kind::kNoName, {}};  // TLS 1.2 may leave extensions out
  const auto extensions = reader.vector(2);
  if (!extensions || !reader.empty()) return malformed();
  return read_extensions(*extensions);
}

bool may_be_record(std::string_view bytes) {
  constexpr unsigned char kMajor = 3;
  constexpr unsigned char kHighestMinor = 4;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (at(0) != kHandshakeRecord) return false;
  if (bytes.size() > 1 && at(1) != kMajor) return false;
  if (bytes.size() > 2 && at(2) > kHighestMinor) return false;
  return bytes.size() <= kRecordHeader || at(kRecordHeader) == kClientHelloMessage;
}

}  // namespace

ClientHello read_client_hello(std::string_view bytes) {
  if (bytes.empty()) return {Kind::kIncomplete, {}};
  if (!may_be_record(bytes)) return {Kind::kNotTls, {}};
  // The message may be cut into several records; put it together.
  std::string message;
  Reader records(bytes);
  std::size_t wanted = kMessageHeader;
  while (message.size() < wanted) {
    if (bytes.size() - records.size() > kMaxClientHello) return malformed();
    const auto type = records.number(1);
    const auto version = records.number(2);
    const auto size = records.number(2);
    if (type && *type != kHandshakeRecord) return malformed();
    if (size && (*size == 0 || *size > kMaxRecord)) return malformed();
    if (!type || !version || !size) return {Kind::kIncomplete, {}};
    const auto part = records.bytes(*size);
    if (!part) {
      // Refuse what can only become too long before it has all arrived.
      return bytes.size() > kMaxClientHello ? malformed() : ClientHello{Kind::kIncomplete, {}};
    }
    message += *part;
    if (message.size() < kMessageHeader) continue;
    Reader header(message);
    if (header.number(1) != kClientHelloMessage) return malformed();
    wanted = kMessageHeader + header.number(3).value_or(0);
    if (wanted > kMaxClientHello) return malformed();
  }
  return read_message(std::string_view(message).substr(kMessageHeader, wanted - kMessageHeader));
}

}  // namespace carrel::egress
