// Netlink without a library: messages are put together in place and sent at once.
// Sources: netlink(7), rtnetlink(7), linux/netlink.h, linux/netfilter/nfnetlink.h.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>

namespace carrel::launcher {

class NetlinkMessages {
 public:
  static constexpr std::size_t kMostBytes = 4096;

  // A message with its family's own header behind netlink's.
  template <typename Header>
  void begin(std::uint16_t type, std::uint16_t flags, const Header& header) {
    message_ = size_;
    const nlmsghdr start{0, type, static_cast<std::uint16_t>(flags | NLM_F_REQUEST), 0, 0};
    put(&start, sizeof start);
    put(&header, sizeof header);
  }
  void end();

  void attribute(unsigned type, const void* value, std::size_t size);
  template <typename Value>
  void attribute(unsigned type, const Value& value) {
    attribute(type, &value, sizeof value);
  }
  void text(unsigned type, const char* value);
  void big_endian(unsigned type, std::uint32_t value);

  // Attributes in an attribute: those between open() and close() of what it returned.
  [[nodiscard]] std::size_t open(unsigned type);
  void close(std::size_t nest);

  // Sends everything to the kernel, which answers before this returns: 0, the first
  // of its errors, or -EMSGSIZE for more than kMostBytes.
  [[nodiscard]] long send(int protocol) const;

  [[nodiscard]] std::size_t room() const { return kMostBytes - size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }

 private:
  void put(const void* bytes, std::size_t size);
  void write_size(std::size_t at, std::uint32_t size, std::size_t width);

  alignas(NLMSG_ALIGNTO) char bytes_[kMostBytes] = {};
  std::size_t size_ = 0;
  std::size_t message_ = 0;
  bool too_long_ = false;
};

}  // namespace carrel::launcher
