/* file.c - see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

enum { PATH = 4096, NAME = 256, ATTEMPTS = 1000 };

/* 0, or -1 with errno set. */
static int write_all(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Splits a path after its last slash. 0 if a part does not fit or there is no name. */
static int split(const char *path, char directory[PATH], const char **name)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    *name = path + length;
    if (length >= PATH || (*name)[0] == '\0' || strlen(*name) + 32 > NAME)
        return 0;
    memcpy(directory, path, length);
    directory[length] = '\0';
    if (length == 0)
        strcpy(directory, ".");
    return 1;
}

/* A new file beside `name`, which no one else has open; its name goes into temporary. */
static int open_temporary(int directory, const char *name, char temporary[NAME])
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(temporary, NAME, "%.200s.%ld.%d.tmp", name, (long)getpid(), attempt);
        int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Writes and syncs the temporary file. NULL, or what failed, with errno set. */
static const char *fill(int fd, const void *bytes, size_t size)
{
    const char *failed = NULL;
    if (write_all(fd, bytes, size) != 0)
        failed = "write";
    else if (fsync(fd) != 0)
        failed = "sync";
    int reason = errno;
    if (close(fd) != 0 && failed == NULL)
        return "close";
    errno = reason;
    return failed;
}

/* NULL, or what failed, with errno set. */
static const char *replace_in(int directory, const char *name, const void *bytes, size_t size)
{
    char temporary[NAME];
    struct stat old;
    if (fstatat(directory, name, &old, 0) == 0 && !S_ISREG(old.st_mode)) {
        errno = S_ISDIR(old.st_mode) ? EISDIR : EINVAL; /* e.g. a device: never renamed over */
        return "replace";
    }
    int fd = open_temporary(directory, name, temporary);
    if (fd < 0)
        return "create a file beside it";
    const char *failed = fill(fd, bytes, size);
    if (failed == NULL && renameat(directory, temporary, directory, name) != 0)
        failed = "rename";
    if (failed != NULL) {
        int reason = errno;
        unlinkat(directory, temporary, 0);
        errno = reason;
        return failed;
    }
    /* Some file systems cannot sync a directory; they say EINVAL. */
    return fsync(directory) != 0 && errno != EINVAL ? "sync its directory" : NULL;
}

enum eer_status eer_file_replace(const char *path, const void *bytes, size_t size,
                                 struct eer_error *error)
{
    char directory[PATH];
    const char *name;
    if (!split(path, directory, &name))
        return eer_fail(error, EER_IO, "%.200s: cannot write: expected a path that ends in a name",
                        path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return eer_fail(error, EER_IO, "%.200s: cannot open its directory: %s", path,
                        strerror(errno));
    const char *failed = replace_in(fd, name, bytes, size);
    int reason = errno;
    close(fd);
    if (failed != NULL)
        return eer_fail(error, EER_IO, "%.200s: cannot %s: %s", path, failed, strerror(reason));
    return EER_OK;
}

/* Reads until `size` bytes or the file's end; the number of bytes, or -1 with errno set. */
static ssize_t read_all(int fd, unsigned char *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static enum eer_status read_open(int fd, const char *path, size_t most, unsigned char **bytes,
                                 size_t *size, struct eer_error *error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return eer_fail(error, EER_IO, "%.200s: cannot read: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return eer_fail(error, EER_FORMAT, "%.200s: expected a regular file", path);
    if ((unsigned long long)status.st_size > most)
        return eer_fail(error, EER_FORMAT, "%.200s: %lld bytes: expected at most %zu", path,
                        (long long)status.st_size, most);
    *size = (size_t)status.st_size;
    *bytes = malloc(*size + 1); /* + 1: none is empty */
    if (*bytes == NULL)
        return eer_fail(error, EER_NO_MEMORY, "%.200s: no memory for its %zu bytes", path, *size);
    ssize_t n = read_all(fd, *bytes, *size);
    if (n >= 0 && (size_t)n == *size)
        return EER_OK;
    int reason = errno;
    free(*bytes);
    *bytes = NULL;
    if (n < 0)
        return eer_fail(error, EER_IO, "%.200s: cannot read: %s", path, strerror(reason));
    return eer_fail(error, EER_IO, "%.200s: ended after %zd of its %zu bytes", path, n, *size);
}

enum eer_status eer_file_read(const char *path, size_t most, unsigned char **bytes, size_t *size,
                              struct eer_error *error)
{
    /* O_NONBLOCK: a pipe without a writer is refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *bytes = NULL;
    if (fd < 0)
        return eer_fail(error, EER_IO, "%.200s: cannot open: %s", path, strerror(errno));
    enum eer_status status = read_open(fd, path, most, bytes, size, error);
    close(fd);
    return status;
}
