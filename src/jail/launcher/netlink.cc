#include "jail/launcher/netlink.h"

#include "jail/launcher/kernel.h"

namespace carrel::launcher {
namespace {

using kernel::call;

constexpr int kAfNetlink = 16;
constexpr int kSockRaw = 3;

// What the kernel has to say; it has said it by now. `file` is non-blocking.
long first_error(int file) {
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[512];
  } answer;
  for (;;) {
    const long size = call(__NR_recvfrom, file, &answer, sizeof answer, 0, nullptr, nullptr);
    if (size == -EAGAIN) return 0;
    if (size < 0) return size;
    if (size < static_cast<long>(sizeof answer.header + sizeof answer.error.error)) return -EPROTO;
    if (answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error != 0) {
      return answer.error.error;
    }
  }
}

}  // namespace

void NetlinkMessages::put(const void* bytes, std::size_t size) {
  const std::size_t padded = NLMSG_ALIGN(size);
  if (padded > room()) {
    too_long_ = true;
    return;
  }
  __builtin_memcpy(bytes_ + size_, bytes, size);
  for (std::size_t i = size; i < padded; ++i) bytes_[size_ + i] = 0;
  size_ += padded;
}

void NetlinkMessages::write_size(std::size_t at, std::uint32_t size, std::size_t width) {
  if (!too_long_) __builtin_memcpy(bytes_ + at, &size, width);  // little-endian, as both are
}

void NetlinkMessages::end() {
  write_size(message_, static_cast<std::uint32_t>(size_ - message_), sizeof(std::uint32_t));
}

void NetlinkMessages::attribute(unsigned type, const void* value, std::size_t size) {
  const nlattr start{static_cast<std::uint16_t>(sizeof start + size),
                     static_cast<std::uint16_t>(type)};
  put(&start, sizeof start);
  put(value, size);
}

void NetlinkMessages::text(unsigned type, const char* value) {
  attribute(type, value, kernel::text_size(value) + 1);
}

void NetlinkMessages::big_endian(unsigned type, std::uint32_t value) {
  attribute(type, __builtin_bswap32(value));
}

std::size_t NetlinkMessages::open(unsigned type) {
  const std::size_t nest = size_;
  const nlattr start{0, static_cast<std::uint16_t>(type | NLA_F_NESTED)};
  put(&start, sizeof start);
  return nest;
}

void NetlinkMessages::close(std::size_t nest) {
  write_size(nest, static_cast<std::uint32_t>(size_ - nest), sizeof(std::uint16_t));
}

long NetlinkMessages::send(int protocol) const {
  if (too_long_) return -EMSGSIZE;
  constexpr int kNonBlocking = 04000;
  const long file =
      call(__NR_socket, kAfNetlink, kSockRaw | kernel::kSockCloexec | kNonBlocking, protocol);
  if (file < 0) return file;
  const long sent = call(__NR_sendto, file, bytes_, size_, 0, nullptr, 0);
  const long result = sent < 0 ? sent : first_error(static_cast<int>(file));
  kernel::close(static_cast<int>(file));
  return result;
}

}  // namespace carrel::launcher
