// Takes all that it gets of one thing: processes, memory, descriptors, file-size, disk.
// Prints how far it came and exits with 3 when it is refused, 4 when nothing stopped it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace {

constexpr int kRefused = 3;
constexpr int kNothingStopped = 4;
constexpr std::size_t kMiB = 1 << 20;

int stopped(const char* what, long count) {
  std::printf("stopped at %ld %s: %s\n", count, what, std::strerror(errno));
  return kRefused;
}

int hog_processes(long most) {
  for (long count = 0; count < most; ++count) {
    const pid_t child = ::fork();
    if (child == -1) return stopped("processes", count);
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
  }
  return kNothingStopped;
}

int hog_memory(long most_mib) {
  for (long count = 0; count < most_mib; ++count) {
    void* block = ::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return stopped("MiB", count);
    std::memset(block, 1, kMiB);
  }
  return kNothingStopped;
}

int hog_descriptors(long most) {
  for (long count = 0; count < most; ++count) {
    if (::open("/dev/null", O_RDONLY) == -1) return stopped("descriptors", count);
  }
  return kNothingStopped;
}

int hog_disk(const char* path, long most_mib) {
  const std::vector<char> block(kMiB, 'x');
  const int fd = ::open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
  if (fd == -1) return stopped("files", 0);
  for (long count = 0; count < most_mib; ++count) {
    if (::write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size())) {
      return stopped("MiB", count);
    }
  }
  return kNothingStopped;
}

}  // namespace

// hog KIND MOST [PATH]
int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string_view kind = argv[1];
  const long most = std::atol(argv[2]);
  if (kind == "processes") return hog_processes(most);
  if (kind == "memory") return hog_memory(most);
  if (kind == "descriptors") return hog_descriptors(most);
  if (kind == "disk" && argc > 3) return hog_disk(argv[3], most);
  return 2;
}
