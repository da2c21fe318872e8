/* Files replaced whole: every system call is made to fail in turn, and the old file must stay. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The calls of file.c, in the order in which they come, each of which can be made to fail. */
static int fail_at, calls; /* the call that fails (from 1; 0: none), the calls so far */
static int fail_with;      /* errno; 0: not a failure but an interruption or a short count */
static char trace[4096];   /* the names of the calls */

/* 1 if this call is the one to fail. */
static int fails(const char *name)
{
    strcat(strcat(trace, name), " ");
    if (++calls != fail_at)
        return 0;
    errno = fail_with;
    return 1;
}

static ssize_t faulty_write(int fd, const void *bytes, size_t size)
{
    if (!fails("write"))
        return write(fd, bytes, size);
    if (fail_with != 0)
        return -1;
    return write(fd, bytes, (size + 1) / 2);
}

static ssize_t faulty_read(int fd, void *bytes, size_t size)
{
    if (!fails("read"))
        return read(fd, bytes, size);
    if (fail_with != 0)
        return -1;
    return read(fd, bytes, (size + 1) / 2);
}

static int faulty_fsync(int fd)
{
    return fails("fsync") ? -1 : fsync(fd);
}

static int faulty_close(int fd)
{
    int result = close(fd); /* Linux closes it even if it reports an error */
    return fails("close") ? -1 : result;
}

static int faulty_open(const char *path, int flags)
{
    return fails("open") ? -1 : open(path, flags);
}

static int faulty_openat(int directory, const char *path, int flags, mode_t mode)
{
    return fails("openat") ? -1 : openat(directory, path, flags, mode);
}

static int faulty_renameat(int from, const char *old, int to, const char *new)
{
    return fails("renameat") ? -1 : renameat(from, old, to, new);
}

#define write            faulty_write
#define read             faulty_read
#define fsync            faulty_fsync
#define close            faulty_close
#define open             faulty_open
#define openat           faulty_openat
#define renameat         faulty_renameat
#define eer_file_replace faulty_file_replace /* so that the real ones may be linked in too */
#define eer_file_read    faulty_file_read
#include "../../fast/program/file.c"
#undef write
#undef read
#undef fsync
#undef close
#undef open
#undef openat
#undef renameat

static char directory[64], path[96];

static void set_up(void)
{
    strcpy(directory, "/tmp/eer-test-file-XXXXXX");
    cr_assert(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/it", directory);
}

static void tear_down(void)
{
    unlink(path);
    cr_expect(rmdir(directory) == 0, "something was left in the directory");
}

static void arm(int at, int with)
{
    fail_at = at;
    fail_with = with;
    calls = 0;
    trace[0] = '\0';
}

static void expect_content(const char *expected)
{
    unsigned char *bytes;
    size_t size;
    struct eer_error error;
    arm(0, 0);
    cr_assert(eer_file_read(path, 100, &bytes, &size, &error) == EER_OK, "%s", error.text);
    cr_expect(size == strlen(expected) && memcmp(bytes, expected, size) == 0);
    free(bytes);
}

static void put(const char *content)
{
    struct eer_error error;
    arm(0, 0);
    cr_assert(eer_file_replace(path, content, strlen(content), &error) == EER_OK, "%s", error.text);
}

TestSuite(file, .init = set_up, .fini = tear_down);

Test(file, the_calls_come_in_the_safe_order)
{
    put("old");
    cr_expect_str_eq(trace, "open openat write fsync close renameat fsync close ");
    expect_content("old");
    cr_expect_str_eq(trace, "open read close ");
    put("");
    expect_content("");
}

Test(file, each_failure_is_named_and_keeps_the_old_file)
{
    static const struct {
        int call, reason;
        const char *message;
    } cases[] = {
        {1, EACCES, "cannot open its directory: Permission denied"},
        {2, EACCES, "cannot create a file beside it: Permission denied"},
        {2, EROFS, "cannot create a file beside it: Read-only file system"},
        {3, ENOSPC, "cannot write: No space left on device"},
        {3, EDQUOT, "cannot write: Disk quota exceeded"},
        {4, EIO, "cannot sync: Input/output error"},
        {5, ENOSPC, "cannot close: No space left on device"},
        {6, EPERM, "cannot rename: Operation not permitted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct eer_error error = {EER_OK, ""};
        put("old");
        arm(cases[i].call, cases[i].reason);
        cr_expect(eer_file_replace(path, "new!", 4, &error) == EER_IO && error.status == EER_IO);
        cr_expect(strncmp(error.text, path, strlen(path)) == 0);
        cr_expect_str_eq(error.text + strlen(path) + 2, cases[i].message);
        expect_content("old");
    }
}

Test(file, a_directory_that_cannot_be_synced_is_an_error_unless_it_never_can)
{
    struct eer_error error;
    put("old");
    arm(7, EIO);
    cr_expect(eer_file_replace(path, "new!", 4, &error) == EER_IO);
    cr_expect_str_eq(error.text + strlen(path) + 2,
                     "cannot sync its directory: Input/output error");
    expect_content("new!");
    arm(7, EINVAL);
    cr_expect(eer_file_replace(path, "newer", 5, &error) == EER_OK);
    expect_content("newer");
}

Test(file, interruptions_and_short_counts_are_gone_on_from)
{
    unsigned char *bytes;
    size_t size;
    struct eer_error error;
    arm(3, EINTR);
    cr_expect(eer_file_replace(path, "one", 3, &error) == EER_OK, "%s", error.text);
    expect_content("one");
    arm(3, 0);
    cr_expect(eer_file_replace(path, "three", 5, &error) == EER_OK, "%s", error.text);
    expect_content("three");
    for (int i = 0; i < 2; i++) {
        arm(2, i == 0 ? EINTR : 0);
        cr_assert(eer_file_read(path, 100, &bytes, &size, &error) == EER_OK, "%s", error.text);
        cr_expect(size == 5 && memcmp(bytes, "three", 5) == 0);
        free(bytes);
    }
    arm(2, EIO);
    cr_expect(eer_file_read(path, 100, &bytes, &size, &error) == EER_IO && bytes == NULL);
    cr_expect_str_eq(error.text + strlen(path) + 2, "cannot read: Input/output error");
}

Test(file, a_taken_temporary_name_is_passed_over)
{
    char taken[160];
    struct eer_error error;
    snprintf(taken, sizeof taken, "%s.%ld.0.tmp", path, (long)getpid());
    FILE *file = fopen(taken, "w");
    cr_assert(file != NULL && fclose(file) == 0);
    cr_expect(eer_file_replace(path, "new", 3, &error) == EER_OK);
    expect_content("new");
    cr_expect(unlink(taken) == 0);
}

Test(file, the_mode_follows_the_umask)
{
    struct stat status;
    umask(027);
    put("x");
    cr_expect(stat(path, &status) == 0 && (status.st_mode & 0777) == 0640);
}

Test(file, only_regular_files_are_replaced_and_read)
{
    static const char *const cases[][2] = {
        {"/dev/null", "/dev/null: cannot replace: Invalid argument"},
        {"/tmp", "/tmp: cannot replace: Is a directory"},
        {"/tmp/", "/tmp/: cannot write: expected a path that ends in a name"},
        {"", ": cannot write: expected a path that ends in a name"},
        {"/nowhere/x", "/nowhere/x: cannot open its directory: No such file or directory"},
        {"/dev/null/x", "/dev/null/x: cannot open its directory: Not a directory"},
    };
    unsigned char *bytes;
    size_t size;
    struct eer_error error;
    arm(0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect(eer_file_replace(cases[i][0], "x", 1, &error) == EER_IO);
        cr_expect_str_eq(error.text, cases[i][1]);
    }
    cr_expect(eer_file_read("/dev/zero", 100, &bytes, &size, &error) == EER_FORMAT);
    cr_expect_str_eq(error.text, "/dev/zero: expected a regular file");
    cr_expect(eer_file_read("/tmp", 100, &bytes, &size, &error) == EER_FORMAT);
    cr_assert(mkfifo(path, 0600) == 0);
    cr_expect(eer_file_read(path, 100, &bytes, &size, &error) == EER_FORMAT);
}

Test(file, the_size_is_checked_before_memory_is_taken)
{
    unsigned char *bytes;
    size_t size;
    struct eer_error error;
    put("four");
    cr_expect(eer_file_read(path, 3, &bytes, &size, &error) == EER_FORMAT && bytes == NULL);
    cr_expect_str_eq(error.text + strlen(path) + 2, "4 bytes: expected at most 3");
    cr_assert(truncate(path, (off_t)1 << 40) == 0);
    cr_expect(eer_file_read(path, 1000, &bytes, &size, &error) == EER_FORMAT && bytes == NULL);
}
