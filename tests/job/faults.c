#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

static atomic_long countdown[FAULT_CALLS];
static int causes[FAULT_CALLS], lasting[FAULT_CALLS];
static atomic_int happened;

void fault_set(enum fault_call call, long k, int cause, int for_good) {
    for (int i = 0; i < FAULT_CALLS; i++) atomic_store(&countdown[i], 0);
    causes[call] = cause;
    lasting[call] = for_good;
    atomic_store(&happened, 0);
    atomic_store(&countdown[call], k);
}

int fault_happened(void) { return atomic_load(&happened); }

/* 0: go on; else the cause. */
static int fault_of(enum fault_call call) {
    if (atomic_load(&countdown[call]) <= 0 || atomic_fetch_sub(&countdown[call], 1) != 1) return 0;
    if (lasting[call]) atomic_store(&countdown[call], 1);
    atomic_store(&happened, 1);
    return causes[call];
}

ssize_t __real_write(int file, const void *data, size_t size);
int __real_fsync(int file);
int __real_rename(const char *from, const char *to);
int __real_renameat2(int a, const char *from, int b, const char *to, unsigned flags);
int __real_open(const char *path, int flags, ...);
int __real_open64(const char *path, int flags, ...);
int __real_ftruncate64(int file, off_t size);
int __real_mkdir(const char *path, mode_t mode);
int __real_link(const char *from, const char *to);

ssize_t __wrap_write(int file, const void *data, size_t size);
int __wrap_fsync(int file);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat2(int a, const char *from, int b, const char *to, unsigned flags);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_ftruncate64(int file, off_t size);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_link(const char *from, const char *to);

#define FAIL_OR(call, real)                                                                                  \
    int cause = fault_of(call);                                                                              \
    if (!cause) return real;                                                                                 \
    errno = cause;                                                                                           \
    return -1

ssize_t __wrap_write(int file, const void *data, size_t size) {
    int cause = fault_of(FAULT_WRITE);
    if (!cause) return __real_write(file, data, size);
    if (cause == FAULT_SHORT_WRITE) return __real_write(file, data, size ? 1 : 0);
    errno = cause;
    return -1;
}

int __wrap_fsync(int file) { FAIL_OR(FAULT_FSYNC, __real_fsync(file)); }
int __wrap_rename(const char *from, const char *to) { FAIL_OR(FAULT_RENAME, __real_rename(from, to)); }
int __wrap_renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    int refused = fault_of(FAULT_EXCHANGE);
    if (refused) {
        errno = refused;
        return -1;
    }
    FAIL_OR(FAULT_RENAME, __real_renameat2(a, from, b, to, flags));
}
int __wrap_ftruncate64(int file, off_t size) { FAIL_OR(FAULT_FTRUNCATE, __real_ftruncate64(file, size)); }
int __wrap_link(const char *from, const char *to) { FAIL_OR(FAULT_LINK, __real_link(from, to)); }
int __wrap_mkdir(const char *path, mode_t mode) { FAIL_OR(FAULT_MKDIR, __real_mkdir(path, mode)); }

/* Opening for reading goes through: a photo that can't be read is an error row, which is another test's business. */
static int open_with(const char *path, int flags, mode_t mode) {
    int cause = flags & (O_WRONLY | O_RDWR) ? fault_of(FAULT_OPEN) : 0;
    if (!cause) return __real_open64(path, flags, mode);
    errno = cause;
    return -1;
}

int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with(path, flags, mode);
}
