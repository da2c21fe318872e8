#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configuration.h"
#include "fail.h"
#include "file.h"

static const char *const ours[] = {"last.safetensors", "metrics.jsonl", "config.conf",
                                   "report.gp",        "report.svg",    "report.png"};
enum { OURS = sizeof ours / sizeof ours[0] };

enum eer_status eer_directory_path(const char *directory, const char *name, char path[EER_PATH],
                                   struct eer_error *error)
{
    int length = snprintf(path, EER_PATH, "%s/%s", directory, name);
    if (length < EER_PATH - 64) /* room for the end of a temporary name */
        return EER_OK;
    return eer_fail(error, EER_USAGE, "%.200s...: the path is too long", directory);
}

int eer_directory_has(const char *directory, const char *name)
{
    char path[EER_PATH];
    struct eer_error ignored;
    return eer_directory_path(directory, name, path, &ignored) == EER_OK && access(path, F_OK) == 0;
}

static enum eer_status make(const char *directory, struct eer_error *error)
{
    char path[EER_PATH];
    enum eer_status status = eer_directory_path(directory, "", path, error);
    if (status != EER_OK)
        return status;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return eer_fail(error, EER_IO, "%.300s: cannot make this directory: %s", path,
                            strerror(errno));
        *slash = '/';
    }
    return EER_OK;
}

/* The descriptor stays open, and the lock held, to the end of the process. */
static enum eer_status lock(const char *directory, struct eer_error *error)
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return eer_fail(error, EER_IO, "%.300s: cannot open this directory: %s", directory,
                        strerror(errno));
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(descriptor);
        return eer_fail(error, EER_FAILED, "%.300s: another process is training there", directory);
    }
    return EER_OK; /* a file system without locks must do without */
}

/* A temporary file of eer_file_replace, left by a kill: NAME.something.tmp. */
static int is_leftover(const char *name)
{
    size_t length = strlen(name);
    if (length < 4 || strcmp(name + length - 4, ".tmp") != 0)
        return 0;
    for (int i = 0; i < OURS; i++) {
        size_t prefix = strlen(ours[i]);
        if (strncmp(name, ours[i], prefix) == 0 && name[prefix] == '.')
            return 1;
    }
    return 0;
}

/* Files in the directory, without leftovers, which are removed: the lock says that no one uses
 * them. */
static int count_files(const char *directory)
{
    DIR *stream = opendir(directory);
    int count = 0;
    if (!stream)
        return 1; /* unreadable: not to be taken for empty */
    for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (!is_leftover(name) || unlinkat(dirfd(stream), name, 0) != 0)
            count++;
    }
    closedir(stream);
    return count;
}

static int holds_run(const char *directory)
{
    int count = 0;
    for (int i = 0; i < OURS; i++)
        count += eer_directory_has(directory, ours[i]);
    return count > 0;
}

static enum eer_status clear(const char *directory, struct eer_error *error)
{
    char path[EER_PATH];
    for (int i = 0; i < OURS; i++) {
        enum eer_status status = eer_directory_path(directory, ours[i], path, error);
        if (status != EER_OK)
            return status;
        if (unlink(path) != 0 && errno != ENOENT)
            return eer_fail(error, EER_IO, "%.300s: cannot remove: %s", path, strerror(errno));
    }
    return EER_OK;
}

enum eer_status eer_directory_claim(const char *directory, enum eer_claim claim,
                                    struct eer_error *error)
{
    enum eer_status status = make(directory, error);
    if (status == EER_OK)
        status = lock(directory, error);
    if (status != EER_OK || count_files(directory) == 0)
        return status;
    if (claim == EER_CLAIM_FORCE || (claim == EER_CLAIM_RESUME && holds_run(directory)))
        return EER_OK;
    if (holds_run(directory))
        return eer_fail(error, EER_USAGE,
                        "%.300s holds a run: --resume continues it, --force replaces it, --out "
                        "names another directory",
                        directory);
    return eer_fail(error, EER_USAGE,
                    "%.300s holds other files: --out names another directory, --force uses this "
                    "one all the same",
                    directory);
}

enum eer_status eer_directory_start(const char *directory, const struct eer_config *config,
                                    struct eer_error *error)
{
    char text[EER_CONFIG_TEXT], path[EER_PATH];
    int length = eer_config_print(config, 1, text, sizeof text);
    enum eer_status status = clear(directory, error);
    if (status == EER_OK)
        status = eer_directory_path(directory, "config.conf", path, error);
    return status == EER_OK ? eer_file_replace(path, text, (size_t)length, error) : status;
}
