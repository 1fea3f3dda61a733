#include "egress/socks_message.h"

#include <algorithm>
#include <array>

namespace carrel::egress {
namespace {

constexpr unsigned char kCommandConnect = 1;
constexpr unsigned char kAddressV4 = 1;
constexpr unsigned char kAddressName = 3;
constexpr unsigned char kAddressV6 = 4;
constexpr std::size_t kPort = 2;

unsigned char at(std::string_view bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

std::uint16_t port_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>(at(bytes, i) << 8 | at(bytes, i + 1));
}

template <std::size_t Size>
std::array<std::uint8_t, Size> bytes_at(std::string_view bytes, std::size_t i) {
  std::array<std::uint8_t, Size> out{};
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i), Size, out.begin());
  return out;
}

SocksRequest request_in(SocksState state) {
  SocksRequest request;
  request.state = state;
  return request;
}

SocksCommand command_of(unsigned char code) {
  return code == kCommandConnect ? SocksCommand::kConnect : SocksCommand::kOther;
}

}  // namespace

SocksMethods read_socks5_methods(std::string_view bytes) {
  if (bytes.empty()) return {SocksState::kIncomplete};
  if (at(bytes, 0) != 5) return {SocksState::kMalformed};
  if (bytes.size() < 2) return {SocksState::kIncomplete};
  const std::size_t count = at(bytes, 1);
  if (count == 0) return {SocksState::kMalformed};
  if (bytes.size() < 2 + count) return {SocksState::kIncomplete};
  const bool none = bytes.substr(2, count).find('\0') != std::string_view::npos;
  return {SocksState::kComplete, 2 + count, none};
}

SocksRequest read_socks5_request(std::string_view bytes) {
  constexpr std::size_t kHead = 4;  // version, command, reserved, address type
  if (!bytes.empty() && at(bytes, 0) != 5) return request_in(SocksState::kMalformed);
  if (bytes.size() < kHead + 1) return request_in(SocksState::kIncomplete);
  if (at(bytes, 2) != 0) return request_in(SocksState::kMalformed);
  SocksRequest request = request_in(SocksState::kComplete);
  request.command = command_of(at(bytes, 1));
  std::size_t address_size = 0;
  switch (at(bytes, 3)) {
    case kAddressV4:
      address_size = 4;
      break;
    case kAddressV6:
      address_size = 16;
      break;
    case kAddressName:
      address_size = 1 + std::size_t{at(bytes, kHead)};
      break;
    default:  // how long it is cannot be known
      request.known_address_type = false;
      request.size = kHead;
      return request;
  }
  request.size = kHead + address_size + kPort;
  if (bytes.size() < request.size) return request_in(SocksState::kIncomplete);
  if (at(bytes, 3) == kAddressV4) {
    request.host = policy::IpAddress::v4(bytes_at<4>(bytes, kHead)).text();
  } else if (at(bytes, 3) == kAddressV6) {
    request.host = policy::IpAddress::v6(bytes_at<16>(bytes, kHead)).text();
  } else {
    request.host = bytes.substr(kHead + 1, address_size - 1);
  }
  request.port = port_at(bytes, kHead + address_size);
  return request;
}

SocksRequest read_socks4_request(std::string_view bytes) {
  constexpr std::size_t kHead = 8;  // version, command, port, address
  if (!bytes.empty() && at(bytes, 0) != 4) return request_in(SocksState::kMalformed);
  const SocksState unfinished =
      bytes.size() < kMaxSocksMessage ? SocksState::kIncomplete : SocksState::kMalformed;
  if (bytes.size() < kHead) return request_in(unfinished);
  const std::size_t user_end = bytes.find('\0', kHead);
  if (user_end == std::string_view::npos) return request_in(unfinished);
  SocksRequest request = request_in(SocksState::kComplete);
  request.command = command_of(at(bytes, 1));
  request.port = port_at(bytes, 2);
  request.size = user_end + 1;
  // 0.0.0.x with x not 0: the name follows the user.
  const bool named =
      at(bytes, 4) == 0 && at(bytes, 5) == 0 && at(bytes, 6) == 0 && at(bytes, 7) != 0;
  if (!named) {
    request.host = policy::IpAddress::v4(bytes_at<4>(bytes, 4)).text();
    return request;
  }
  const std::size_t name_end = bytes.find('\0', request.size);
  if (name_end == std::string_view::npos) return request_in(unfinished);
  request.host = bytes.substr(request.size, name_end - request.size);
  request.size = name_end + 1;
  return request;
}

Result<Destination> SocksRequest::destination() const {
  CARREL_TRY(Host parsed, parse_host(host));
  if (port == 0) return Error{Errc::kInvalid, "port 0 leads nowhere"};
  return Destination{std::move(parsed), port};
}

std::string socks_reply(SocksVersion version, SocksReply reply) {
  const auto code = static_cast<unsigned char>(reply);
  if (version == SocksVersion::k4) {
    constexpr unsigned char kGranted = 90;
    constexpr unsigned char kRejected = 91;
    std::string bytes(8, '\0');
    bytes[1] = static_cast<char>(code == 0 ? kGranted : kRejected);
    return bytes;
  }
  std::string bytes(10, '\0');
  bytes[0] = 5;
  bytes[1] = static_cast<char>(code);
  bytes[3] = kAddressV4;
  return bytes;
}

std::string socks5_method_reply(bool accepted) {
  return {'\5', static_cast<char>(accepted ? 0x00 : 0xFF)};
}

}  // namespace carrel::egress
