// Reaches System V and POSIX IPC objects of the host: shm=, msg=, sem= are their ids,
// key= their key, mq= and posix= the names of a queue and of a shared memory file.
#include <fcntl.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <cstdlib>

#include "attempts.h"

namespace {

using carrel::hostile::Attempts;

int number(const Attempts& attempts, const char* key) {
  return std::atoi(attempts.argument(key).c_str());
}

long attach(int id) {
  return ::shmat(id, nullptr, SHM_RDONLY) == reinterpret_cast<void*>(-1) ? -1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Attempts attempts(argc, argv);
  const key_t key = number(attempts, "key");
  attempts.make("shm-by-key", [&] { return ::shmget(key, 0, 0); });
  attempts.make("shm-by-id", [&] { return attach(number(attempts, "shm")); });
  attempts.make("msg-by-key", [&] { return ::msgget(key, 0); });
  attempts.make("msg-by-id", [&] {
    msqid_ds info;
    return ::msgctl(number(attempts, "msg"), IPC_STAT, &info);
  });
  attempts.make("sem-by-key", [&] { return ::semget(key, 0, 0); });
  attempts.make("posix-queue", [&] {
    // The system call takes the name without its slash.
    return ::syscall(SYS_mq_open, attempts.argument("mq").c_str(), O_RDONLY | O_NONBLOCK, 0,
                     nullptr);
  });
  attempts.make("posix-queue-file", [&] {
    return ::open(("/dev/mqueue/" + attempts.argument("mq")).c_str(), O_RDONLY);
  });
  attempts.make("posix-memory", [&] {
    return ::open(("/dev/shm/" + attempts.argument("posix")).c_str(), O_RDONLY);
  });
  return attempts.exit_status();
}
