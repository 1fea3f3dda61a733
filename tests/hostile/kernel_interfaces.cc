// Reaches for the parts of the kernel that no ordinary program needs.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

long io_uring() {
  io_uring_params parameters{};
  return ::syscall(SYS_io_uring_setup, 1, &parameters);
}

long bpf_map() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 4;
  attributes.max_entries = 1;
  return ::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}

long perf() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.exclude_kernel = 1;
  return ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

long open_by_handle(const char* path) {
  alignas(file_handle) unsigned char storage[sizeof(file_handle) + 128] = {};
  auto* handle = reinterpret_cast<file_handle*>(storage);
  handle->handle_bytes = 128;
  int mount_id = 0;
  if (::name_to_handle_at(AT_FDCWD, path, handle, &mount_id, 0) == -1) return -1;
  const int mount = ::open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return ::open_by_handle_at(mount, handle, O_RDONLY);
}

void make_observing(Attempts& attempts) {
  attempts.make("io-uring", io_uring);
  attempts.make_harmless("io-uring-enter",
                         [] { return ::syscall(SYS_io_uring_enter, -1, 0, 0, 0, 0, 0); });
  attempts.make_harmless("io-uring-register",
                         [] { return ::syscall(SYS_io_uring_register, -1, 0, 0, 0); });
  attempts.make("bpf-map", bpf_map);
  attempts.make("perf", perf);
  attempts.make("userfaultfd",
                [] { return ::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY); });
  attempts.make("open-by-handle", [] { return open_by_handle("/etc/passwd"); });
  attempts.make("fanotify", [] { return ::syscall(SYS_fanotify_init, 0, O_RDONLY); });
  attempts.make("syslog", [] {
    char text[64];
    return ::syscall(SYS_syslog, 3, text, sizeof text);
  });
}

void make_keys(Attempts& attempts) {
  attempts.make("add-key", [] {
    return ::syscall(SYS_add_key, "user", "carrel-test", "x", 1, KEY_SPEC_PROCESS_KEYRING);
  });
  attempts.make("session-keyring", [] {
    return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
  });
  attempts.make("user-keyring", [] {
    return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1);
  });
  attempts.make("join-keyring",
                [] { return ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr); });
  attempts.make_harmless("request-key", [] {
    return ::syscall(SYS_request_key, "user", "carrel-no-such-key", nullptr, 0);
  });
}

// Each has an argument that is refused everywhere, after the question of rights.
void make_machine_state(Attempts& attempts) {
  attempts.make_harmless("kexec-load",
                         [] { return ::syscall(SYS_kexec_load, 0, 0, nullptr, ~0ul); });
  attempts.make_harmless("kexec-file-load",
                         [] { return ::syscall(SYS_kexec_file_load, -1, -1, 0, "", ~0ul); });
  attempts.make_harmless("init-module", [] { return ::syscall(SYS_init_module, nullptr, 0, ""); });
  attempts.make_harmless("finit-module", [] { return ::syscall(SYS_finit_module, -1, "", 0); });
  attempts.make_harmless("delete-module",
                         [] { return ::syscall(SYS_delete_module, "carrel-no-such", 0); });
  attempts.make_harmless("reboot", [] { return ::syscall(SYS_reboot, 0, 0, 0, nullptr); });
  attempts.make_harmless("swapon", [] { return ::syscall(SYS_swapon, "/no/such", 0); });
  attempts.make_harmless("swapoff", [] { return ::syscall(SYS_swapoff, "/no/such"); });
  attempts.make_harmless("acct", [] { return ::syscall(SYS_acct, "/no/such/file"); });
  attempts.make_harmless("settimeofday",
                         [] { return ::syscall(SYS_settimeofday, nullptr, nullptr); });
  attempts.make_harmless("quotactl",
                         [] { return ::syscall(SYS_quotactl, -1, "/no/such", 0, nullptr); });
#ifdef __x86_64__
  attempts.make("iopl", [] { return ::syscall(SYS_iopl, 3); });
  attempts.make("ioperm", [] { return ::syscall(SYS_ioperm, 0x80, 1, 1); });
  attempts.make("modify-ldt", [] {
    char table[16];
    return ::syscall(SYS_modify_ldt, 0, table, sizeof table);
  });
#endif
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  make_observing(attempts);
  make_keys(attempts);
  make_machine_state(attempts);
  return attempts.exit_status();
}
