#include "egress/secret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "sys/error.h"

namespace carrel::egress {

Result<Secret> Secret::of(std::string_view text) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  Secret secret;
  const std::size_t size = (text.size() / page + 1) * page;
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return sys::failed("mmap", "a secret");
  secret.bytes_ = static_cast<char*>(memory);
  secret.mapped_ = size;
  if (::madvise(memory, size, MADV_DONTDUMP) != 0) {
    return sys::failed("madvise", "MADV_DONTDUMP");
  }
  static_cast<void>(::mlock(memory, size));  // as far as RLIMIT_MEMLOCK goes
  std::memcpy(memory, text.data(), text.size());
  secret.size_ = text.size();
  return secret;
}

Secret::~Secret() {
  if (bytes_ == nullptr) return;
  ::explicit_bzero(bytes_, mapped_);
  ::munmap(bytes_, mapped_);
}

void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace carrel::egress
