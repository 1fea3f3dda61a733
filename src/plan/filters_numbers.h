// Numbers of system calls that the headers of an older system do not have yet,
// and -1 for those that an architecture does not have at all.
// Source: the kernel's scripts/syscall.tbl; from 424 on every architecture has the same.
#pragma once

#include <sys/syscall.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif

#ifndef SYS_chmod
#define SYS_chmod -1
#endif
#ifndef SYS_creat
#define SYS_creat -1
#endif
#ifndef SYS_ioperm
#define SYS_ioperm -1
#endif
#ifndef SYS_iopl
#define SYS_iopl -1
#endif
#ifndef SYS_mknod
#define SYS_mknod -1
#endif
#ifndef SYS_modify_ldt
#define SYS_modify_ldt -1
#endif
#ifndef SYS_open
#define SYS_open -1
#endif
#ifndef SYS_uselib
#define SYS_uselib -1
#endif
