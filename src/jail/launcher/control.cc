#include "jail/launcher/control.h"

namespace carrel::launcher {
namespace {

template <unsigned Count>
struct Rights {
  kernel::ControlHeader header;
  int fds[Count];
};

}  // namespace

long send(int socket, const Message& message, int fd) {
  kernel::IoVec part{const_cast<Message*>(&message), sizeof message};
  Rights<1> rights{
      {sizeof(kernel::ControlHeader) + sizeof(int), kernel::kSolSocket, kernel::kScmRights}, {fd}};
  kernel::MessageHeader header{};
  header.parts = &part;
  header.part_count = 1;
  if (fd >= 0) {
    header.control = &rights;
    header.control_size = sizeof rights;
  }
  const long sent = kernel::call(__NR_sendmsg, socket, &header, kernel::kMsgNoSignal);
  return sent < 0 ? sent : 0;
}

long receive(int socket, Message& message, int& fd, int flags) {
  kernel::IoVec part{&message, sizeof message};
  Rights<1> rights{};
  kernel::MessageHeader header{};
  header.parts = &part;
  header.part_count = 1;
  header.control = &rights;
  header.control_size = sizeof rights;
  fd = -1;
  long size;
  do {
    size = kernel::call(__NR_recvmsg, socket, &header, flags | kernel::kMsgCmsgCloexec);
  } while (size == -EINTR);
  if (size <= 0) return size == -ECONNRESET ? 0 : size;
  if (header.control_size >= sizeof(kernel::ControlHeader) + sizeof(int) &&
      rights.header.level == kernel::kSolSocket && rights.header.type == kernel::kScmRights) {
    fd = rights.fds[0];
  }
  return size == sizeof message ? 1 : -EPROTO;
}

long send_fds(int socket, const int* fds, unsigned count) {
  char byte = 'L';
  kernel::IoVec part{&byte, 1};
  Rights<wire::kMaxHandedOut> rights{};
  rights.header = {sizeof(kernel::ControlHeader) + count * sizeof(int), kernel::kSolSocket,
                   kernel::kScmRights};
  for (unsigned i = 0; i < count; ++i) rights.fds[i] = fds[i];
  kernel::MessageHeader header{};
  header.parts = &part;
  header.part_count = 1;
  header.control = &rights;
  header.control_size = rights.header.size;
  const long sent = kernel::call(__NR_sendmsg, socket, &header, kernel::kMsgNoSignal);
  return sent < 0 ? sent : 0;
}

}  // namespace carrel::launcher
