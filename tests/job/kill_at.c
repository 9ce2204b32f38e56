/* Loaded into pomona by LD_PRELOAD: kills the process at its k-th call that changes something on disk (KILL_AT=k), just before the
 * call. Without KILL_AT it only counts; the count is written to the file KILL_COUNT. */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static long kill_at;

__attribute__((constructor)) static void start(void) {
    const char *text = getenv("KILL_AT");
    kill_at = text ? strtol(text, NULL, 10) : 0;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("KILL_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&calls));
    fclose(file);
}

static void *count(const char *name) {
    if (atomic_fetch_add(&calls, 1) + 1 == kill_at) kill(getpid(), SIGKILL);
    return dlsym(RTLD_NEXT, name);
}

#define WRAP(type, name, parameters, arguments)                                                              \
    type name parameters;                                                                                    \
    type name parameters { return ((type(*) parameters)count(#name))arguments; }

WRAP(int, fsync, (int file), (file))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, remove, (const char *path), (path))
WRAP(int, rmdir, (const char *path), (path))
WRAP(int, link, (const char *from, const char *to), (from, to))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, ftruncate64, (int file, off_t size), (file, size))

ssize_t write(int file, const void *data, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = file > 2 ? count("write") : dlsym(RTLD_NEXT, "write");
    return real(file, data, size);
}

static int open_with(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = flags & O_CREAT ? count(name) : dlsym(RTLD_NEXT, name);
    return real(path, flags, mode);
}

int open(const char *path, int flags, ...);
int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with("open", path, flags, mode);
}

int open64(const char *path, int flags, ...);
int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_with("open64", path, flags, mode);
}
