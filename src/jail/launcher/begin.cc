#include "jail/launcher/begin.h"

#include <elf.h>

#include <cstddef>

#include "jail/launcher/control.h"
#include "jail/launcher/identity.h"
#include "jail/launcher/kernel.h"
#include "jail/launcher/room.h"

// The launcher's program (image.S). Nothing here may need relocation, a stack
// protector or memcpy: the C library has not run yet.
extern "C" {
extern const char carrel_launcher_image[] __attribute__((visibility("hidden")));
[[noreturn]] void carrel_enter_image(std::uintptr_t entry, const void* start);

// glibc's: where a dynamic loader has registered the thread's rseq(2) area, which
// it does before this program's entry. The size is 0 until then.
extern const std::ptrdiff_t __rseq_offset __attribute__((weak));  // NOLINT: glibc's name
extern const unsigned int __rseq_size __attribute__((weak));      // NOLINT
}

namespace carrel::launcher {
namespace {

using kernel::call;
using wire::Step;

constexpr std::uintptr_t kPage = 4096;  // a size that every page size divides or equals

constinit BegunRoom the_room;
constinit RoomStart the_start;

bool is_error(long result) { return result < 0 && result >= -4095; }

// No loop idiom: a compiler would call memcpy.
void copy(std::uintptr_t to, const char* from, std::size_t size) {
  auto* out = reinterpret_cast<char*>(to);
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    std::uint64_t word;
    __builtin_memcpy(&word, from + i, sizeof word);
    __builtin_memcpy(out + i, &word, sizeof word);
    asm volatile("" ::: "memory");
  }
}

// Loads the image where it was linked to be. The entry, or a negative errno.
long load_image() {
  const char* const image = carrel_launcher_image;
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(image);
  const auto* const segments = reinterpret_cast<const Elf64_Phdr*>(image + header.e_phoff);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const Elf64_Phdr& segment = segments[i];
    if (segment.p_type != PT_LOAD) continue;
    const std::uintptr_t start = segment.p_vaddr & ~(kPage - 1);
    const std::size_t size = segment.p_vaddr + segment.p_memsz - start;
    // At once what is about to be filled, but not what starts empty and is seldom used.
    const int populate = segment.p_filesz == segment.p_memsz ? MAP_POPULATE : 0;
    const long memory = call(__NR_mmap, start, size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | populate, -1, 0);
    if (is_error(memory)) return memory;
    copy(segment.p_vaddr, image + segment.p_offset, segment.p_filesz);
    const int protection = ((segment.p_flags & PF_R) != 0 ? PROT_READ : 0) |
                           ((segment.p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
                           ((segment.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
    const long set = call(__NR_mprotect, start, size, protection);
    if (set < 0) return set;
  }
  return static_cast<long>(header.e_entry);
}

// The kernel writes into that area, and kills a process that has it no more.
void give_rseq_back() {
#if defined(__x86_64__)
  constexpr unsigned kSignature = 0x53053053;
#elif defined(__aarch64__)
  constexpr unsigned kSignature = 0xd428bc00;
#endif
  constexpr int kUnregister = 1;
  if (&__rseq_size == nullptr || __rseq_size == 0) return;
  const std::uintptr_t area = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer()) +
                              static_cast<std::uintptr_t>(__rseq_offset);
  // The size that it was registered with, which glibc does not tell.
  for (unsigned size = 32; size <= 256; size += 32) {
    if (call(__NR_rseq, area, size, kUnregister, kSignature) == 0) return;
  }
}

// The new process, still on a copy of its parent's stack.
[[noreturn]] void become_room(const RoomStart& start) {
  give_rseq_back();
  const long entry = load_image();
  if (is_error(entry)) Failure(start.control).report(Step::kLoad, entry);
#if defined(__aarch64__)
  __builtin___clear_cache(reinterpret_cast<char*>(entry & ~0xffffl),
                          reinterpret_cast<char*>((entry & ~0xffffl) + 0x10000));
#endif
  carrel_enter_image(static_cast<std::uintptr_t>(entry), &start);
}

void fail(Step step, long error) {
  the_room.step = step;
  the_room.error = static_cast<std::int32_t>(-error);
}

// A caller that ignores the end of its children would have ours reaped unseen.
void notice_children() {
  const kernel::SignalAction by_default{};
  call(__NR_rt_sigaction, SIGCHLD, &by_default, nullptr, sizeof by_default.mask);
}

void look_at_processors() {
  Processors& all = the_start.processors;
  unsigned processor = 0;
  const long size = call(__NR_sched_getaffinity, 0, sizeof all.mask, all.mask);
  const bool known = size > 0 && call(__NR_getcpu, &processor, nullptr, nullptr) == 0;
  the_start.processor = -1;
  all.size = known ? static_cast<std::int32_t>(size) : 0;
  if (known) the_start.processor = static_cast<std::int32_t>(processor);
}

// The room is to work beside this process, not after it. Most schedulers see to
// that; some leave a new process where it was cloned until the clone's turn is over.
void move_room_aside() {
  constexpr unsigned kBits = 8 * sizeof(unsigned long);
  const Processors& all = the_start.processors;
  if (the_start.processor < 0) return;
  unsigned long others[sizeof all.mask / sizeof all.mask[0]];
  unsigned long any = 0;
  for (unsigned i = 0; i < static_cast<unsigned>(all.size) / sizeof others[0]; ++i) {
    others[i] = all.mask[i];
    if (i == static_cast<unsigned>(the_start.processor) / kBits) {
      others[i] &= ~(1ul << (static_cast<unsigned>(the_start.processor) % kBits));
    }
    any |= others[i];
  }
  if (any != 0) call(__NR_sched_setaffinity, the_room.pid, all.size, others);
}

void begin() {
  the_room.begun_at = kernel::monotonic_ns();
  int pair[2];
  const long made = call(__NR_socketpair, kernel::kAfUnix,
                         kernel::kSockSeqpacket | kernel::kSockCloexec, 0, pair);
  if (made < 0) return fail(Step::kControlSocket, made);
  notice_children();
  look_at_processors();
  the_start.control = pair[1];
  the_start.uid = static_cast<std::uint32_t>(call(__NR_geteuid));
  the_start.gid = static_cast<std::uint32_t>(call(__NR_getegid));
  // The rest of the namespaces is made by the new process itself, beside this one.
  int pidfd = -1;
  const long pid =
      call(__NR_clone, CLONE_NEWUSER | CLONE_NEWPID | CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
  if (pid == 0) {
    kernel::close(pair[0]);
    become_room(the_start);
  }
  kernel::close(pair[1]);
  if (pid < 0) {
    kernel::close(pair[0]);
    return fail(Step::kNamespaces, pid);
  }
  the_room.pid = static_cast<std::int32_t>(pid);
  the_room.pidfd = pidfd;
  the_room.control = pair[0];
  move_room_aside();
}

bool is_word(const char* text, const char* word) {
  while (*word != '\0' && *text == *word) {
    ++text;
    ++word;
  }
  return *text == *word;
}

}  // namespace

const BegunRoom& begun_room() { return the_room; }

long map_ids_of(const BegunRoom& room) { return map_ids_to_themselves(room.pid); }

long hand_over_plan(const BegunRoom& room, int plan_fd, int handout_fd) {
  Message message{};
  if (handout_fd >= 0) {
    message.kind = Message::Kind::kHandout;
    const long sent = send(room.control, message, handout_fd);
    if (sent < 0) return sent;
  }
  message.kind = Message::Kind::kPlan;
  return send(room.control, message, plan_fd);
}

void end_begun_room() {
  if (the_room.pid == 0) return;
  call(__NR_pidfd_send_signal, the_room.pidfd, SIGKILL, nullptr, 0);
  while (kernel::wait4(the_room.pid, nullptr, 0, nullptr) == -EINTR) continue;
  kernel::close(the_room.pidfd);
  kernel::close(the_room.control);
  the_room = BegunRoom{};
}

}  // namespace carrel::launcher

// What execve(2) left: argc, argv, ... Only a run needs a room. With one of the
// first three descriptors closed, main() has something to mend before.
extern "C" void carrel_before_libc(const long* stack) {
  using namespace carrel;
  const auto* const argv = reinterpret_cast<const char* const*>(stack + 1);
  if (stack[0] < 2 || !launcher::is_word(argv[1], "run")) return;
  for (int fd = 0; fd <= 2; ++fd) {
    if (kernel::call(__NR_fcntl, fd, F_GETFD, 0) < 0) return;
  }
  launcher::begin();
}

// carrel_start: the entry of carrel; goes on to the C library's with everything
// as it was. carrel_enter_image: the image's entry, with a stack that says 0
// arguments, and then what live_in_room() is given.
#if defined(__x86_64__)
asm(".global carrel_start\ncarrel_start:\n"
    "mov %rsp, %rbx\n"
    "mov %rdx, %r12\n"
    "mov %rsp, %rdi\n"
    "and $-16, %rsp\n"
    "call carrel_before_libc\n"
    "mov %rbx, %rsp\n"
    "mov %r12, %rdx\n"
    "xor %ebp, %ebp\n"
    "jmp _start\n"
    ".hidden carrel_enter_image\ncarrel_enter_image:\n"
    "and $-16, %rsp\n"
    "push %rsi\n"
    "push $0\n"
    "jmp *%rdi\n");
#elif defined(__aarch64__)
asm(".global carrel_start\ncarrel_start:\n"
    "mov x19, sp\n"
    "mov x20, x0\n"
    "mov x0, sp\n"
    "bl carrel_before_libc\n"
    "mov sp, x19\n"
    "mov x0, x20\n"
    "mov x29, #0\n"
    "mov x30, #0\n"
    "b _start\n"
    ".hidden carrel_enter_image\ncarrel_enter_image:\n"
    "mov x2, #0\n"
    "stp x2, x1, [sp, #-16]!\n"
    "br x0\n");
#endif
