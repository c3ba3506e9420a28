/* core/file.c - whole files in, whole files out, folders. */
#include <nas/core.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static nas_status fail_errno(const char *verb, const char *path, int error) {
    return nas_fail(NAS_E_IO, "%s: cannot %s: %s", path, verb, strerror(error));
}

/* Reads to the end rather than trusting st_size: pipes and /proc have none. */
static nas_status read_all(char **buf, size_t *n, int fd, const char *path, size_t max_bytes) {
    size_t cap = 0;
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        if ((uintmax_t)info.st_size > max_bytes)
            return nas_fail(NAS_E_IO, "%s: %jd bytes, more than the %zu that are read", path,
                            (intmax_t)info.st_size, max_bytes);
        cap = (size_t)info.st_size + 2; /* as much as needed, and no power of two above it */
        *buf = nas_malloc(cap);
        if (*buf == NULL)
            return nas_fail_memory(cap);
    }
    for (;;) {
        NAS_TRY(nas_grow(buf, &cap, *n + 2, 1));
        ssize_t got = read(fd, *buf + *n, cap - *n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno("read", path, errno);
        if (got == 0)
            break;
        *n += (size_t)got;
        if (*n > max_bytes)
            return nas_fail(NAS_E_IO, "%s: more than the %zu bytes that are read", path, max_bytes);
    }
    (*buf)[*n] = '\0';
    return NAS_OK;
}

nas_status nas_file_read(char **bytes, size_t *n, const char *path, size_t max_bytes) {
    char *buf = NULL;
    size_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno("open", path, errno);
    nas_status st = read_all(&buf, &got, fd, path, max_bytes > 0 ? max_bytes : (size_t)1 << 30);
    close(fd);
    if (st != NAS_OK) {
        nas_free(buf);
        return st;
    }
    *bytes = buf;
    *n = got;
    return NAS_OK;
}

static nas_status write_one(int fd, const char *path, const char *p, size_t n) {
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return fail_errno("write", path, errno);
        p += put;
        n -= (size_t)put;
    }
    return NAS_OK;
}

static nas_status write_all(int fd, const char *path, const nas_part *part, size_t n) {
    for (size_t i = 0; i < n; i++)
        NAS_TRY(write_one(fd, path, part[i].bytes, part[i].n));
    return NAS_OK;
}

/* A device or a pipe cannot be replaced by a rename (and must not: think of /dev/null). */
static nas_status write_in_place(const char *path, const nas_part *part, size_t n) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno("open for writing", path, errno);
    nas_status st = write_all(fd, path, part, n);
    if (close(fd) != 0 && st == NAS_OK)
        st = fail_errno("write", path, errno);
    return st;
}

/* open and not mkstemp, because the file is to have the permissions that the umask gives. */
static int open_temporary(char *name, size_t size, const char *target) {
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        double now = nas_clock();
        uint64_t tag = nas_hash_bytes(attempt, &now, sizeof now) ^ nas_mix64((uint64_t)getpid());
        snprintf(name, size, "%s.tmp-%08x", target, (unsigned)(tag & 0xFFFFFFFFu));
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Without it a power cut could bring the old name back; not every file system can, and none need.
 */
static void sync_folder(const char *target, char *scratch) {
    strcpy(scratch, target);
    char *slash = strrchr(scratch, '/');
    if (slash == NULL)
        strcpy(scratch, ".");
    else
        slash[slash == scratch ? 1 : 0] = '\0';
    int fd = open(scratch, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static nas_status replace_file(const char *target, const struct stat *old, const nas_part *part,
                               size_t n) {
    nas_status st = NAS_OK;
    size_t size = strlen(target) + 32;
    bool made = false;
    int fd = -1;
    char *name = nas_malloc(size);
    if (name == NULL)
        return nas_fail_memory(size);
    fd = open_temporary(name, size, target);
    if (fd < 0)
        NAS_GO(fail_errno("create", target, errno));
    made = true;
    if (old != NULL)
        (void)fchmod(fd, old->st_mode & 07777);
    NAS_GO(write_all(fd, target, part, n));
    if (fsync(fd) != 0 && errno != EINVAL)
        NAS_GO(fail_errno("write", target, errno));
    int closed = close(fd);
    fd = -1;
    if (closed != 0)
        NAS_GO(fail_errno("write", target, errno));
    if (rename(name, target) != 0)
        NAS_GO(fail_errno("replace", target, errno));
    made = false;
    sync_folder(target, name);
done:
    if (fd >= 0)
        close(fd);
    if (made)
        unlink(name);
    nas_free(name);
    return st;
}

/* The end of a chain of symbolic links, whether a file is there or not. */
static nas_status follow_links(char **out, const char *path) {
    char link[4096];
    char *at = nas_strdup(path);
    for (int hops = 0; at != NULL && hops < 40; hops++) {
        ssize_t n = readlink(at, link, sizeof link);
        if (n < 0) {
            *out = at;
            return NAS_OK;
        }
        char *slash = link[0] == '/' ? NULL : strrchr(at, '/'); /* it counts from its folder */
        size_t folder = slash != NULL ? (size_t)(slash - at) + 1 : 0;
        char *next = (size_t)n < sizeof link ? nas_malloc(folder + (size_t)n + 1) : NULL;
        if (next != NULL) {
            memcpy(next, at, folder);
            memcpy(next + folder, link, (size_t)n);
            next[folder + (size_t)n] = '\0';
        }
        nas_free(at);
        at = next;
    }
    if (at == NULL)
        return nas_fail_memory(strlen(path) + sizeof link);
    nas_free(at);
    return fail_errno("follow the symbolic link", path, ELOOP);
}

nas_status nas_file_write_parts(const char *path, const nas_part *part, size_t n) {
    struct stat info;
    char *target = NULL;
    bool there = stat(path, &info) == 0;
    if (there && S_ISDIR(info.st_mode))
        return fail_errno("write", path, EISDIR);
    if (there && !S_ISREG(info.st_mode))
        return write_in_place(path, part, n);
    /* A symbolic link stays one: what it points to is replaced, or made. */
    NAS_TRY(follow_links(&target, path));
    nas_status st = replace_file(target, there ? &info : NULL, part, n);
    nas_free(target);
    return st;
}

nas_status nas_file_write(const char *path, const void *bytes, size_t n) {
    return nas_file_write_parts(path, &(nas_part){bytes, n}, 1);
}

bool nas_file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

bool nas_dir_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static nas_status make_one(const char *path) {
    if (mkdir(path, 0777) == 0)
        return NAS_OK;
    int error = errno;
    return nas_dir_exists(path) ? NAS_OK : fail_errno("make the folder", path, error);
}

nas_status nas_dir_make(const char *path) {
    if (*path == '\0')
        return nas_fail(NAS_E_ARG, "the name of the folder to make is empty");
    char *part = nas_strdup(path);
    if (part == NULL)
        return nas_fail_memory(strlen(path) + 1);
    nas_status st = NAS_OK;
    for (char *p = part + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        NAS_GO(make_one(part));
        *p = '/';
    }
    NAS_GO(make_one(part));
done:
    nas_free(part);
    return st;
}
