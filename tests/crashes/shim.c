/*
 * Stands between the program and the system, by LD_PRELOAD: writes down what the program does to the files of one
 * directory, makes calls fail, and moves the clock. The program itself is the one that is built and shipped.
 *
 * Variables of the environment, each of them may be missing:
 *   SHIM_DIR      the directory, absolute and without links: only files whose path begins with it are looked at
 *   SHIM_JOURNAL  a file outside of it to which records are appended (`journal.rs` reads them)
 *   SHIM_CONTROL  a file of eight numbers of 64 bits that is mapped (`control.rs` writes them)
 *
 * The index of the write-ahead log (`-shm`) is mapped memory and is built anew after a crash: its calls can fail, but
 * they are not written down.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
    K_OPEN = 1,
    K_READ = 2,
    K_WRITE = 4,
    K_SYNC = 8,
    K_TRUNCATE = 16,
    K_UNLINK = 32,
    K_THREAD = 64,
    K_ACCEPT = 128,
};

/* What the eight numbers mean. */
enum field { F_KINDS, F_ERRNO, F_FIRST, F_COUNT, F_CALLS, F_FAILED, F_CLOCK, F_ACTION };
enum action { A_FAIL, A_KILL, A_SHORT };

static char directory[4096];
static size_t directory_length;
static int journal = -1;
static volatile int64_t *control;

#define FILES 65536
static char *paths[FILES];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_close)(int);
static int (*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void) {
#define FIND(name, symbol) *(void **)(&real_##name) = dlsym(RTLD_NEXT, symbol)
    FIND(open, "open64");
    FIND(openat, "openat64");
    FIND(read, "read");
    FIND(pread, "pread64");
    FIND(write, "write");
    FIND(writev, "writev");
    FIND(pwrite, "pwrite64");
    FIND(ftruncate, "ftruncate64");
    FIND(fsync, "fsync");
    FIND(fdatasync, "fdatasync");
    FIND(unlink, "unlink");
    FIND(unlinkat, "unlinkat");
    FIND(rename, "rename");
    FIND(close, "close");
    FIND(accept4, "accept4");
    FIND(clock_gettime, "clock_gettime");
    FIND(pthread_create, "pthread_create");
    const char *value = getenv("SHIM_DIR");
    if (value && strlen(value) < sizeof directory) {
        directory_length = strlen(value);
        memcpy(directory, value, directory_length + 1);
    }
    value = getenv("SHIM_JOURNAL");
    if (value) {
        journal = real_open(value, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (journal < 0)
            abort();
    }
    value = getenv("SHIM_CONTROL");
    if (value) {
        int file = real_open(value, O_RDWR | O_CLOEXEC);
        void *mapped = file < 0 ? MAP_FAILED
                                : mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mapped == MAP_FAILED)
            abort();
        control = mapped;
        real_close(file);
    }
}

__attribute__((constructor)) static void begin(void) { pthread_once(&once, prepare); }
#define READY() pthread_once(&once, prepare)

static int is_ours(const char *path) {
    return directory_length && path && !strncmp(path, directory, directory_length);
}

/* The path of an open file, where it is one of ours. */
static const char *ours(int file) {
    return file >= 0 && file < FILES ? __atomic_load_n(&paths[file], __ATOMIC_ACQUIRE) : NULL;
}

static void remember(int file, const char *path) {
    if (file >= 0 && file < FILES)
        __atomic_store_n(&paths[file], strdup(path), __ATOMIC_RELEASE);
}

/*
 * Counts a call, and says whether it is to fail: then errno is set. What is short-written and what dies is for the
 * caller to see.
 */
static int is_hit(enum kind kind) {
    if (!control || !(control[F_KINDS] & kind))
        return 0;
    int64_t number = __atomic_add_fetch(&control[F_CALLS], 1, __ATOMIC_SEQ_CST);
    if (number < control[F_FIRST] || number - control[F_FIRST] >= control[F_COUNT])
        return 0;
    __atomic_add_fetch(&control[F_FAILED], 1, __ATOMIC_SEQ_CST);
    if (control[F_ACTION] == A_KILL) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    errno = (int)control[F_ERRNO];
    return 1;
}

/* A record: kind, offset or size, length of the path, length of the bytes; path; bytes. In one call, so that those of
 * several processes do not mix. */
struct head {
    uint32_t kind;
    uint32_t path;
    uint64_t at;
    uint64_t bytes;
};

static void tell(char kind, const char *path, uint64_t at, const void *bytes, size_t length) {
    size_t name = strlen(path);
    if (journal < 0 || (name > 4 && !strcmp(path + name - 4, "-shm")))
        return;
    int kept = errno;
    struct head head = {(uint32_t)kind, (uint32_t)name, at, length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, name}, {(void *)bytes, length}};
    if (real_writev(journal, parts, 3) != (ssize_t)(sizeof head + name + length))
        abort();
    errno = kept;
}

static int opened(int file, const char *path, int flags, int was_there) {
    if (file >= 0 && is_ours(path)) {
        remember(file, path);
        if ((flags & O_CREAT) && !was_there)
            tell('C', path, 0, NULL, 0);
        else if (flags & O_TRUNC)
            tell('T', path, 0, NULL, 0);
    }
    return file;
}

#define MODE(flags, last)                         \
    mode_t mode = 0;                              \
    if ((flags) & (O_CREAT | O_TMPFILE)) {        \
        va_list list;                             \
        va_start(list, last);                     \
        mode = va_arg(list, mode_t);              \
        va_end(list);                             \
    }

static int do_open(const char *path, int flags, mode_t mode) {
    READY();
    if (!is_ours(path))
        return real_open(path, flags, mode);
    if (is_hit(K_OPEN))
        return -1;
    struct stat found;
    int was_there = !stat(path, &found);
    return opened(real_open(path, flags, mode), path, flags, was_there);
}

int open(const char *path, int flags, ...) { MODE(flags, flags) return do_open(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, flags) return do_open(path, flags, mode); }

static int do_openat(int at, const char *path, int flags, mode_t mode) {
    READY();
    if (at == AT_FDCWD || (path && path[0] == '/'))
        return do_open(path, flags, mode);
    return real_openat(at, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...) { MODE(flags, flags) return do_openat(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags, flags) return do_openat(at, path, flags, mode); }

int close(int file) {
    READY();
    /* The path stays allocated: another thread may be reading it. It is a test, and files are few. */
    if (file >= 0 && file < FILES)
        __atomic_store_n(&paths[file], NULL, __ATOMIC_RELEASE);
    return real_close(file);
}

ssize_t read(int file, void *to, size_t length) {
    READY();
    if (ours(file) && is_hit(K_READ))
        return -1;
    return real_read(file, to, length);
}

static ssize_t do_pread(int file, void *to, size_t length, off_t at) {
    READY();
    if (ours(file) && is_hit(K_READ))
        return -1;
    return real_pread(file, to, length, at);
}

ssize_t pread(int file, void *to, size_t length, off_t at) { return do_pread(file, to, length, at); }
ssize_t pread64(int file, void *to, size_t length, off64_t at) { return do_pread(file, to, length, at); }

/* As a disk that runs full: the first half of what was to be written is written, and the next call fails. */
static size_t shortened(size_t length) { return control[F_ACTION] == A_SHORT && length > 1 ? length / 2 : 0; }

ssize_t write(int file, const void *from, size_t length) {
    READY();
    const char *path = ours(file);
    if (!path)
        return real_write(file, from, length);
    if (is_hit(K_WRITE)) {
        length = shortened(length);
        if (!length)
            return -1;
    }
    off_t at = lseek(file, 0, SEEK_CUR);
    ssize_t written = real_write(file, from, length);
    if (written > 0)
        tell('W', path, (uint64_t)at, from, (size_t)written);
    return written;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    READY();
    /* Files of ours are not written like this; were one, it would have to be told. */
    if (ours(file))
        abort();
    return real_writev(file, parts, count);
}

static ssize_t do_pwrite(int file, const void *from, size_t length, off_t at) {
    READY();
    const char *path = ours(file);
    if (!path)
        return real_pwrite(file, from, length, at);
    if (is_hit(K_WRITE)) {
        length = shortened(length);
        if (!length)
            return -1;
    }
    ssize_t written = real_pwrite(file, from, length, at);
    if (written > 0)
        tell('W', path, (uint64_t)at, from, (size_t)written);
    return written;
}

ssize_t pwrite(int file, const void *from, size_t length, off_t at) { return do_pwrite(file, from, length, at); }
ssize_t pwrite64(int file, const void *from, size_t length, off64_t at) { return do_pwrite(file, from, length, at); }

static int do_ftruncate(int file, off_t length) {
    READY();
    const char *path = ours(file);
    if (path && is_hit(K_TRUNCATE))
        return -1;
    int done = real_ftruncate(file, length);
    if (path && !done)
        tell('T', path, (uint64_t)length, NULL, 0);
    return done;
}

int ftruncate(int file, off_t length) { return do_ftruncate(file, length); }
int ftruncate64(int file, off64_t length) { return do_ftruncate(file, length); }

/* What was told before the first of the two records is on the disk after the second. */
static int do_sync(int file, int (*real)(int)) {
    const char *path = ours(file);
    if (!path)
        return real(file);
    if (is_hit(K_SYNC))
        return -1;
    static uint64_t number;
    uint64_t this = ((uint64_t)getpid() << 32) | __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST);
    tell('s', path, this, NULL, 0);
    int done = real(file);
    if (!done)
        tell('S', path, this, NULL, 0);
    return done;
}

int fsync(int file) { READY(); return do_sync(file, real_fsync); }
int fdatasync(int file) { READY(); return do_sync(file, real_fdatasync); }

static int do_unlink(const char *path) {
    if (is_ours(path) && is_hit(K_UNLINK))
        return -1;
    int done = real_unlink(path);
    if (!done && is_ours(path))
        tell('U', path, 0, NULL, 0);
    return done;
}

int unlink(const char *path) { READY(); return do_unlink(path); }

int unlinkat(int at, const char *path, int flags) {
    READY();
    if (!flags && (at == AT_FDCWD || path[0] == '/'))
        return do_unlink(path);
    return real_unlinkat(at, path, flags);
}

int rename(const char *from, const char *to) {
    READY();
    int done = real_rename(from, to);
    if (!done && is_ours(from) && is_ours(to))
        tell('R', from, 0, to, strlen(to));
    return done;
}

int accept4(int socket, struct sockaddr *address, socklen_t *length, int flags) {
    READY();
    if (is_hit(K_ACCEPT))
        return -1;
    return real_accept4(socket, address, length, flags);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    READY();
    if (control && (control[F_KINDS] & K_THREAD) && is_hit(K_THREAD))
        return errno;
    return real_pthread_create(thread, attributes, run, argument);
}

int clock_gettime(clockid_t clock, struct timespec *to) {
    READY();
    int done = real_clock_gettime(clock, to);
    if (!done && control && clock == CLOCK_REALTIME)
        to->tv_sec += control[F_CLOCK];
    return done;
}
