/*
 * Runs a program and does something to it at the n-th of its system calls that concern a place, counted over
 * all of its threads in the order in which the kernel lets them in.
 *
 *   tracer REPORT ACTION N PREFIX[:PREFIX...] CALLS -- PROGRAM ARGUMENTS
 *
 * ACTION   count          nothing, only counts
 *          answers        the same, and each call's answer and path are written to REPORT
 *          kill           the whole program dies before the call has begun
 *          signal=NUMBER  the program is sent this signal when the call has begun
 *          short          the call is asked for one byte only (reads and writes)
 *          error=NUMBER   the call is not made and fails with this errno
 *          errors=NUMBER  the same for this call and every one after it
 *          delay=MS       the call begins so many milliseconds later
 * PREFIX   calls count whose path, or the path of whose file descriptor, begins with one of these
 * CALLS    change         those that can change what another process would find there
 *          fault          those that a disk or a file system can refuse: the same, and opening, reading, listing
 *          list           all of "fault", and every call that names such a path; each is written to REPORT
 *          dirlocks       locks on directories: with "errors=9" there are none, as on NFS
 *          or names of calls, with commas
 *
 * REPORT gets the number of calls on its first line, "hit CALL PATH" on the second when it came to that, and
 * "died" on the last when a signal ended the program.
 * The exit status is the program's; 137 when it was killed. 125: this machine cannot be traced like that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __GLIBC__
#define ptrace_syscall_info __ptrace_syscall_info
#endif

#define CANNOT 125

enum { CHANGES = 1, FAULTS = 2, LOOKS = 4 };
/* Where the path is: an argument that is a string, or a descriptor; -1 for none. */
struct known { long nr; const char *name; int path, fd, second; int sets; };
static const struct known KNOWN[] = {
    { SYS_openat, "openat", 1, -1, -1, FAULTS | CHANGES },
    { SYS_read, "read", -1, 0, -1, FAULTS },
    { SYS_pread64, "pread64", -1, 0, -1, FAULTS },
    { SYS_readv, "readv", -1, 0, -1, FAULTS },
    { SYS_preadv2, "preadv2", -1, 0, -1, LOOKS },
    { SYS_statx, "statx", 1, 0, -1, FAULTS },
    { SYS_newfstatat, "newfstatat", 1, 0, -1, FAULTS },
    { SYS_mmap, "mmap", -1, 4, -1, LOOKS },
    { SYS_getdents64, "getdents64", -1, 0, -1, FAULTS },
    { SYS_write, "write", -1, 0, -1, FAULTS | CHANGES },
    { SYS_pwrite64, "pwrite64", -1, 0, -1, FAULTS | CHANGES },
    { SYS_writev, "writev", -1, 0, -1, FAULTS | CHANGES },
    { SYS_copy_file_range, "copy_file_range", -1, 2, -1, FAULTS | CHANGES },
    { SYS_sendfile, "sendfile", -1, 0, -1, FAULTS | CHANGES },
    { SYS_ioctl, "ioctl", -1, 0, -1, FAULTS | CHANGES },
    { SYS_fallocate, "fallocate", -1, 0, -1, FAULTS | CHANGES },
    { SYS_ftruncate, "ftruncate", -1, 0, -1, FAULTS | CHANGES },
    { SYS_fsync, "fsync", -1, 0, -1, FAULTS | CHANGES },
    { SYS_fdatasync, "fdatasync", -1, 0, -1, FAULTS | CHANGES },
    { SYS_fchmod, "fchmod", -1, 0, -1, FAULTS | CHANGES },
    { SYS_fchmodat, "fchmodat", 1, -1, -1, FAULTS | CHANGES },
    { SYS_fchown, "fchown", -1, 0, -1, CHANGES },
    { SYS_fchownat, "fchownat", 1, -1, -1, CHANGES },
    { SYS_utimensat, "utimensat", 1, 0, -1, FAULTS | CHANGES },
    { SYS_mkdirat, "mkdirat", 1, -1, -1, FAULTS | CHANGES },
    { SYS_unlinkat, "unlinkat", 1, 0, -1, FAULTS | CHANGES },
    { SYS_linkat, "linkat", 1, -1, 3, FAULTS | CHANGES },
    { SYS_symlinkat, "symlinkat", 2, -1, -1, FAULTS | CHANGES },
    { SYS_renameat, "renameat", 1, -1, 3, FAULTS | CHANGES },
    { SYS_renameat2, "renameat2", 1, -1, 3, FAULTS | CHANGES },
    { SYS_flock, "flock", -1, 0, -1, CHANGES },
    { SYS_fsetxattr, "fsetxattr", -1, 0, -1, FAULTS | CHANGES },
#ifdef SYS_open
    { SYS_open, "open", 0, -1, -1, FAULTS | CHANGES },
    { SYS_creat, "creat", 0, -1, -1, FAULTS | CHANGES },
    { SYS_mkdir, "mkdir", 0, -1, -1, FAULTS | CHANGES },
    { SYS_rmdir, "rmdir", 0, -1, -1, FAULTS | CHANGES },
    { SYS_unlink, "unlink", 0, -1, -1, FAULTS | CHANGES },
    { SYS_rename, "rename", 0, -1, 1, FAULTS | CHANGES },
    { SYS_link, "link", 0, -1, 1, FAULTS | CHANGES },
    { SYS_symlink, "symlink", 1, -1, -1, FAULTS | CHANGES },
    { SYS_chmod, "chmod", 0, -1, -1, FAULTS | CHANGES },
    { SYS_chown, "chown", 0, -1, -1, CHANGES },
    { SYS_lchown, "lchown", 0, -1, -1, CHANGES },
    { SYS_utime, "utime", 0, -1, -1, FAULTS | CHANGES },
    { SYS_futimesat, "futimesat", 1, -1, -1, FAULTS | CHANGES },
    { SYS_mknod, "mknod", 0, -1, -1, FAULTS | CHANGES },
    { SYS_utimes, "utimes", 0, -1, -1, FAULTS | CHANGES },
#endif
    { SYS_pwritev, "pwritev", -1, 0, -1, FAULTS | CHANGES },
    { SYS_pwritev2, "pwritev2", -1, 0, -1, FAULTS | CHANGES },
    { SYS_splice, "splice", -1, 2, -1, FAULTS | CHANGES },
    { SYS_mknodat, "mknodat", 1, -1, -1, FAULTS | CHANGES },
    { SYS_openat2, "openat2", 1, -1, -1, FAULTS | CHANGES },
    { SYS_lsetxattr, "lsetxattr", 0, -1, -1, FAULTS | CHANGES },
    { SYS_removexattr, "removexattr", 0, -1, -1, FAULTS | CHANGES },
    { SYS_lremovexattr, "lremovexattr", 0, -1, -1, FAULTS | CHANGES },
    { SYS_fremovexattr, "fremovexattr", -1, 0, -1, FAULTS | CHANGES },
    { SYS_truncate, "truncate", 0, -1, -1, FAULTS | CHANGES },
    { SYS_setxattr, "setxattr", 0, -1, -1, FAULTS | CHANGES },
};

static char *prefixes[16];
static int prefix_count;
static FILE *report;

static void cannot(const char *what) {
    perror(what);
    exit(CANNOT);
}

static int begins_right(const char *path) {
    for (int i = 0; i < prefix_count; i++)
        if (!strncmp(path, prefixes[i], strlen(prefixes[i])))
            return 1;
    return 0;
}

/* The path of a descriptor, as the kernel knows it. */
static int of_fd(pid_t pid, long fd, char *path, size_t room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%ld", pid, fd);
    ssize_t n = readlink(link, path, room - 1);
    path[n < 0 ? 0 : n] = 0;
    return n > 0 && begins_right(path);
}

/* A string in the program's memory, page by page: what follows it need not be there. */
static int of_memory(pid_t pid, unsigned long at, char *path, size_t room) {
    size_t done = 0;
    path[0] = 0;
    while (at && done < room - 1) {
        size_t n = 4096 - (at + done) % 4096;
        if (n > room - 1 - done)
            n = room - 1 - done;
        struct iovec here = { path + done, n }, there = { (void *)(at + done), n };
        if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)n)
            break;
        if (memchr(path + done, 0, n))
            return begins_right(path);
        done += n;
    }
    path[0] = 0;
    return 0;
}

static const struct known *look_up(unsigned long nr) {
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (KNOWN[i].nr == (long)nr)
            return &KNOWN[i];
    return NULL;
}

static long flags_of(const struct known *one, struct ptrace_syscall_info *info) {
    if (one->nr == SYS_openat)
        return info->entry.args[2];
#ifdef SYS_open
    if (one->nr == SYS_open)
        return info->entry.args[1];
#endif
    return -1;
}

/* Opening to read changes nothing. */
static int changes(const struct known *one, struct ptrace_syscall_info *info) {
    long flags = flags_of(one, info);
    return one->sets & CHANGES && (flags < 0 || flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR));
}

static int is_dir(pid_t pid, long fd) {
    char link[64];
    struct stat st;
    snprintf(link, sizeof link, "/proc/%d/fd/%ld", pid, fd);
    return !stat(link, &st) && S_ISDIR(st.st_mode);
}

static int wanted(pid_t pid, const char *calls, const struct known *one, struct ptrace_syscall_info *info) {
    if (!strcmp(calls, "dirlocks"))
        return one->nr == SYS_flock && is_dir(pid, (long)info->entry.args[0]);
    if (!strcmp(calls, "change"))
        return changes(one, info);
    if (!strcmp(calls, "fault"))
        return one->sets & FAULTS;
    if (!strcmp(calls, "list"))
        return 1;
    size_t n = strlen(one->name);
    for (const char *at = calls; (at = strstr(at, one->name)); at += n)
        if ((at == calls || at[-1] == ',') && (!at[n] || at[n] == ','))
            return 1;
    return 0;
}

static int concerns(pid_t pid, const struct known *one, struct ptrace_syscall_info *info, char *path, size_t room) {
    path[0] = 0;
    if (one->path >= 0 && of_memory(pid, info->entry.args[one->path], path, room))
        return 1;
    if (one->second >= 0 && of_memory(pid, info->entry.args[one->second], path, room))
        return 1;
    if (one->fd >= 0 && of_fd(pid, (long)info->entry.args[one->fd], path, room))
        return 1;
    /* A name seen from an open directory. */
    if (one->path == 1 && one->fd < 0 && (int)info->entry.args[0] != AT_FDCWD
        && of_fd(pid, (int)info->entry.args[0], path, room))
        return 1;
    /* The same of the name that something gets. */
    if (one->second == 3 && (int)info->entry.args[2] != AT_FDCWD)
        return of_fd(pid, (int)info->entry.args[2], path, room);
    return 0;
}

#if defined(__x86_64__)
static void ask_for_one_byte(pid_t pid) {
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
        cannot("registers");
    if (regs.rdx > 1)
        regs.rdx = 1;
    ptrace(PTRACE_SETREGS, pid, 0, &regs);
}
static void make_none_of_it(pid_t pid) {
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
        cannot("registers");
    regs.orig_rax = -1;
    ptrace(PTRACE_SETREGS, pid, 0, &regs);
}
static void answer(pid_t pid, long value) {
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
        cannot("registers");
    regs.rax = value;
    ptrace(PTRACE_SETREGS, pid, 0, &regs);
}
#else
static void ask_for_one_byte(pid_t pid) { (void)pid; exit(CANNOT); }
static void make_none_of_it(pid_t pid) { (void)pid; exit(CANNOT); }
static void answer(pid_t pid, long value) { (void)pid; (void)value; exit(CANNOT); }
#endif

static pid_t failing[256];

static void note_failing(pid_t pid) {
    for (int i = 0; i < 256; i++)
        if (!failing[i]) {
            failing[i] = pid;
            return;
        }
}

/* Calls under way whose answer is to be written down. */
static struct { pid_t pid; char path[4200]; } under_way[256];

static void begin_call(pid_t pid, const char *path) {
    for (int i = 0; i < 256; i++)
        if (!under_way[i].pid) {
            under_way[i].pid = pid;
            strcpy(under_way[i].path, path);
            return;
        }
}

static void end_call(pid_t pid, long answer) {
    for (int i = 0; i < 256; i++)
        if (under_way[i].pid == pid) {
            under_way[i].pid = 0;
            fprintf(report, "answer %ld %s\n", answer, under_way[i].path);
        }
}

static int was_failing(pid_t pid) {
    for (int i = 0; i < 256; i++)
        if (failing[i] == pid) {
            failing[i] = 0;
            return 1;
        }
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 8 || strcmp(argv[6], "--"))
        return CANNOT;
    const char *action = argv[2], *calls = argv[5];
    long n = atol(argv[3]), count = 0, error = 0, every = 0, sent = 0, delay = 0;
    if (!strncmp(action, "signal=", 7))
        sent = atol(action + 7);
    if (!strncmp(action, "error=", 6))
        error = atol(action + 6);
    if (!strncmp(action, "delay=", 6))
        delay = atol(action + 6);
    if (!strncmp(action, "errors=", 7))
        error = atol(action + 7), every = 1;
    for (char *one = strtok(argv[4], ":"); one && prefix_count < 16; one = strtok(NULL, ":"))
        prefixes[prefix_count++] = one;
    report = fopen(argv[1], "we");
    if (!report)
        cannot(argv[1]);
    char hit[8192] = "";
    pid_t child = fork();
    if (child < 0)
        cannot("fork");
    if (!child) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0))
            _exit(CANNOT);
        raise(SIGSTOP);
        execvp(argv[7], argv + 7);
        _exit(CANNOT);
    }
    int status;
    if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
        return CANNOT;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK
        | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, options))
        cannot("ptrace");
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    int code = CANNOT, died = 0;
    for (;;) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0)
            break;
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (pid == child)
                died = WIFSIGNALED(status), code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        int signal = WSTOPSIG(status), pass = 0;
        if (signal == (SIGTRAP | 0x80)) {
            struct ptrace_syscall_info info;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0) {
                /* Another thread has ended the process since this one stopped; its end is told next. */
                if (errno == ESRCH)
                    continue;
                cannot("system call");
            }
            char path[4200];
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                const struct known *one = look_up(info.entry.nr);
                if (one && wanted(pid, calls, one, &info) && concerns(pid, one, &info, path, sizeof path)) {
                    count++;
                    int now = count == n || (every && count > n);
                    if (now && !hit[0])
                        snprintf(hit, sizeof hit, "hit %s %s\n", one->name, path);
                    if (!strcmp(action, "answers"))
                        begin_call(pid, path);
                    if (!strcmp(calls, "list"))
                        fprintf(report, "%s %lx %ld %s\n", one->name, (unsigned long)flags_of(one, &info),
                                (long)info.entry.args[2], path);
                    if (now && !strcmp(action, "kill"))
                        kill(child, SIGKILL);
                    if (now && sent)
                        kill(child, (int)sent);
                    if (now && delay)
                        usleep(delay * 1000);
                    if (now && !strcmp(action, "short"))
                        ask_for_one_byte(pid);
                    if (now && error) {
                        make_none_of_it(pid);
                        note_failing(pid);
                    }
                }
            } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
                if (error && was_failing(pid))
                    answer(pid, -error);
                end_call(pid, info.exit.rval);
            }
        } else if (signal != SIGTRAP && signal != SIGSTOP) {
            pass = signal;
        }
        ptrace(PTRACE_SYSCALL, pid, 0, pass);
    }
    fprintf(report, "%ld\n%s%s", count, hit, died ? "died\n" : "");
    fclose(report);
    return code;
}
