/* search/store_lock.c - one writer at a time, by a lock on PATH.lock that dies with its process. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of its own, because closing any descriptor of the database would drop SQLite's locks. A
 * POSIX record lock, because children that outlive a killed study must not inherit it. */
static nas_status try_lock(bool *stale, nas_store *s) {
    *stale = false;
    int fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return nas_fail(NAS_E_STORE, "%s: %s", s->lock_path, strerror(errno));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &whole) != 0) {
        int why = errno;
        struct flock holder = whole;
        bool known = fcntl(fd, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK;
        close(fd);
        if (why != EACCES && why != EAGAIN)
            return nas_fail(NAS_E_STORE, "%s: %s", s->lock_path, strerror(why));
        return nas_fail(NAS_E_STORE, "%s: a study is being run on it by process %ld", s->path,
                        known ? (long)holder.l_pid : 0L);
    }
    /* Between open and lock its owner may have removed the file: then the lock is on nothing. */
    struct stat ours, there;
    if (fstat(fd, &ours) != 0 || stat(s->lock_path, &there) != 0 || ours.st_ino != there.st_ino ||
        ours.st_dev != there.st_dev) {
        close(fd);
        *stale = true;
        return NAS_OK;
    }
    s->lock = fd;
    return NAS_OK;
}

nas_status lock_take(nas_store *s) {
    nas_text path = {0};
    nas_text_add(&path, "%s.lock", s->path);
    NAS_TRY(nas_text_check(&path));
    s->lock_path = path.s;
    for (bool stale = true; stale;)
        NAS_TRY(try_lock(&stale, s));
    return NAS_OK;
}

bool nas_store_idle(const nas_store *s) {
    nas_text path = {0};
    if (nas_store_is_url(s->path) || s->lock >= 0)
        return false;
    nas_text_add(&path, "%s.lock", s->path);
    int fd = path.failed ? -1 : open(nas_text_str(&path), O_RDONLY | O_CLOEXEC);
    bool gone = fd < 0 && !path.failed && errno == ENOENT; /* whoever ends well removes it */
    struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool free_lock = fd >= 0 && fcntl(fd, F_GETLK, &holder) == 0 && holder.l_type == F_UNLCK;
    if (fd >= 0)
        close(fd);
    nas_text_free(&path);
    return gone || free_lock;
}

void lock_drop(nas_store *s) {
    if (s->lock >= 0) {
        unlink(s->lock_path);
        close(s->lock);
        s->lock = -1;
    }
    nas_free(s->lock_path);
    s->lock_path = NULL;
}
