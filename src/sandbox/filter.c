/*
 * A filter in classic BPF (linux/seccomp.h, linux/filter.h; Documentation/userspace-api/
 * seccomp_filter.rst). It allows what it does not name. Namespaces, capabilities and users already
 * confine the program; the filter takes away
 * - what reaches into another process, or makes a namespace in which it would have capabilities,
 * - parts of the kernel that a test needs not and that had many faults (bpf, io_uring, keys, ...),
 * - memory that belongs to no process, so that no process' size tells of it (memfd, System V).
 * A denied call fails with EPERM, as it would for want of a capability; those that newer programs
 * try first fail with ENOSYS, so that they fall back.
 *
 *     architecture other than ours            -> the process is killed
 *     x32 numbers                             -> ENOSYS
 *     clone with a flag of a new namespace    -> EPERM
 *     ioctl TIOCSTI, TIOCLINUX (a terminal's input) -> EPERM
 *     a number in the list                    -> its errno
 *     else                                    -> allowed
 */
#include "sandbox/filter.h"

#include "sandbox/spawn.h"
#include "util/fail.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef OUR_ARCH

/* Calls newer than the oldest headers that this is built with have the same number everywhere. */
enum {
    NR_PIDFD_GETFD = 438,
    NR_CLONE3 = 435,
    NR_IO_URING_SETUP = 425,
    NR_IO_URING_ENTER = 426,
    NR_IO_URING_REGISTER = 427,
    NR_OPEN_TREE = 428,
    NR_MOVE_MOUNT = 429,
    NR_FSOPEN = 430,
    NR_FSCONFIG = 431,
    NR_FSMOUNT = 432,
    NR_FSPICK = 433,
    NR_MOUNT_SETATTR = 442,
    NR_QUOTACTL_FD = 443,
    NR_MEMFD_SECRET = 447,
    NR_OPEN_TREE_ATTR = 467
};

static const struct {
    int number, error;
} denied[] = {
    {SYS_ptrace, EPERM},
    {SYS_process_vm_readv, EPERM},
    {SYS_process_vm_writev, EPERM},
    {SYS_kcmp, EPERM},
    {NR_PIDFD_GETFD, EPERM},
    {SYS_unshare, EPERM},
    {SYS_setns, EPERM},
    {NR_CLONE3, ENOSYS}, /* its flags lie in memory, where a filter cannot see them */
    {SYS_mount, EPERM},
    {SYS_umount2, EPERM},
    {SYS_pivot_root, EPERM},
    {SYS_chroot, EPERM},
    {NR_OPEN_TREE, EPERM},
    {NR_OPEN_TREE_ATTR, EPERM},
    {NR_MOVE_MOUNT, EPERM},
    {NR_FSOPEN, EPERM},
    {NR_FSCONFIG, EPERM},
    {NR_FSMOUNT, EPERM},
    {NR_FSPICK, EPERM},
    {NR_MOUNT_SETATTR, EPERM},
    {SYS_name_to_handle_at, EPERM},
    {SYS_open_by_handle_at, EPERM},
    {SYS_keyctl, EPERM},
    {SYS_add_key, EPERM},
    {SYS_request_key, EPERM},
    {SYS_bpf, EPERM},
    {SYS_perf_event_open, EPERM},
    {SYS_userfaultfd, EPERM},
    {NR_IO_URING_SETUP, ENOSYS},
    {NR_IO_URING_ENTER, ENOSYS},
    {NR_IO_URING_REGISTER, ENOSYS},
    {SYS_fanotify_init, EPERM},
    {SYS_memfd_create, ENOSYS},
    {NR_MEMFD_SECRET, ENOSYS},
    {SYS_shmget, ENOSYS},
    {SYS_msgget, ENOSYS},
    {SYS_semget, ENOSYS},
    {SYS_mq_open, ENOSYS},
    {SYS_personality, EPERM}, /* could fix where the stack lies */
    {SYS_move_pages, EPERM},
    {SYS_migrate_pages, EPERM},
    {SYS_vhangup, EPERM},
    {SYS_syslog, EPERM},
    {SYS_acct, EPERM},
    {SYS_quotactl, EPERM},
    {NR_QUOTACTL_FD, EPERM},
    {SYS_swapon, EPERM},
    {SYS_swapoff, EPERM},
    {SYS_reboot, EPERM},
    {SYS_settimeofday, EPERM},
    {SYS_clock_settime, EPERM},
    {SYS_clock_adjtime, EPERM},
    {SYS_adjtimex, EPERM},
    {SYS_sethostname, EPERM},
    {SYS_setdomainname, EPERM},
    {SYS_init_module, EPERM},
    {SYS_finit_module, EPERM},
    {SYS_delete_module, EPERM},
    {SYS_kexec_load, EPERM},
#ifdef SYS_kexec_file_load
    {SYS_kexec_file_load, EPERM},
#endif
#if defined(__x86_64__)
    {SYS_modify_ldt, EPERM},
    {SYS_iopl, EPERM},
    {SYS_ioperm, EPERM},
    {SYS_uselib, EPERM},
#endif
};

/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; the flag of a time namespace is
 * part of clone's exit signal, and clone ignores it. */
#define NEW_NAMESPACES 0x7E020000u
#define TIOCSTI_ 0x5412u
#define TIOCLINUX_ 0x541Cu
#define X32_BIT 0x40000000u

enum { N_DENIED = sizeof(denied) / sizeof(denied[0]), MAX_STEPS = 24 + 2 * N_DENIED };

struct program {
    struct sock_filter step[MAX_STEPS];
    size_t n;
};

static void add(struct program *p, unsigned code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
    p->step[p->n++] = (struct sock_filter){(uint16_t)code, if_true, if_false, k};
}

static void load(struct program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *p, uint32_t what)
{
    add(p, BPF_RET | BPF_K, what, 0, 0);
}

static uint32_t failure(int error)
{
    return SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
}

/* The low half of an argument; both processors are little-endian. */
static size_t argument(int i)
{
    return offsetof(struct seccomp_data, args) + 8 * (size_t)i;
}

static void build(struct program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    add(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    answer(p, failure(ENOSYS));
#endif
    for (size_t i = 0; i < N_DENIED; i++) {
        add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)denied[i].number, 0, 1);
        answer(p, failure(denied[i].error));
    }
    add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
    load(p, argument(0));
    add(p, BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, 0, 1);
    answer(p, failure(EPERM));
    answer(p, SECCOMP_RET_ALLOW);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4);
    load(p, argument(1));
    add(p, BPF_JMP | BPF_JEQ | BPF_K, TIOCSTI_, 1, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, TIOCLINUX_, 0, 1);
    answer(p, failure(EPERM));
    answer(p, SECCOMP_RET_ALLOW);
}

cril_status cril_filter_open(int *fd, cril_error *err)
{
    struct program p = {.n = 0};

    build(&p);
    *fd = cril_spawn_text("cril-filter", p.step, p.n * sizeof(p.step[0]));
    if (*fd < 0)
        return cril_fail(err, CRIL_ERR_IO, "no file in memory for the filter of system calls: %s",
                         strerror(errno));
    return CRIL_OK;
}

#else

cril_status cril_filter_open(int *fd, cril_error *err)
{
    (void)fd;
    return cril_fail(err, CRIL_ERR_UNSUPPORTED,
                     "programs run in a box only on x86-64 and AArch64: for other processors there "
                     "is no filter of system calls");
}

#endif
