/* Kills a process that writes checkpoints, at random moments, and reads what it left: always a
 * whole one, the last that was finished or the one after it. Usage: kill_write [ROUNDS [SEED]]. No
 * Criterion here, since the test needs a process of its own to kill. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../fast/program/checkpoint.h"
#include "../../fast/program/configuration.h"

static char directory[64], path[96];

static void stop(const char *what, const struct eer_error *error)
{
    fprintf(stderr, "kill_write: %s%s%s\n", what, error ? ": " : "", error ? error->text : "");
    exit(1);
}

static void start(struct eer_checkpoint *c)
{
    struct eer_error error;
    memset(c, 0, sizeof *c);
    if (eer_config_preset(&c->config, "eer", &error) != EER_OK ||
        eer_state_new(&c->config, &c->state, &error) != EER_OK)
        stop("cannot start", &error);
    eer_layout(&c->config, &c->layout);
    c->config.steps = EER_MAX_STEPS;
    strcpy(c->backend, "cpu");
    strcpy(c->precision, "fp32");
    strcpy(c->tf32_rounding, "ties-away");
    strcpy(c->verified, "no");
}

/* Checkpoint number n holds n everywhere. */
static void fill(struct eer_checkpoint *c, int n)
{
    c->state.step = n;
    for (int i = 0; i < c->layout.size; i++)
        c->state.theta[i] = c->state.m[i] = c->state.v[i] = n;
}

/* Until killed: writes checkpoint 1, 2, ...; *finished is the last that was. */
static void write_on(struct eer_checkpoint *c, volatile int *finished)
{
    struct eer_error error;
    for (int n = *finished + 1;; n++) {
        fill(c, n);
        if (eer_checkpoint_write(path, c, 4, &error) != EER_OK)
            stop("cannot write", &error);
        *finished = n;
    }
}

static void check(int finished)
{
    struct eer_checkpoint read;
    struct eer_error error;
    if (eer_checkpoint_read(path, &read, &error) != EER_OK)
        stop("not whole", &error);
    if (read.state.step != finished && read.state.step != finished + 1)
        stop("an older one, or one from the future", NULL);
    for (int i = 0; i < 3 * read.layout.size; i++)
        if (read.state.theta[i] != read.state.step)
            stop("two checkpoints in one file", NULL);
    eer_checkpoint_free(&read);
}

/* Temporary files that killed writers left; returns their number. */
static int clean_up(void)
{
    char name[512];
    int count = 0;
    DIR *stream = opendir(directory);
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;)
        if (strstr(entry->d_name, ".tmp") != NULL) {
            snprintf(name, sizeof name, "%s/%s", directory, entry->d_name);
            count += unlink(name) == 0;
        }
    closedir(stream);
    return count;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200, in_the_middle = 0;
    struct eer_checkpoint c;
    volatile int *finished =
        mmap(NULL, sizeof *finished, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    srand(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    strcpy(directory, "/tmp/eer-kill-write-XXXXXX");
    if (finished == MAP_FAILED || mkdtemp(directory) == NULL)
        stop("cannot start", NULL);
    snprintf(path, sizeof path, "%s/x.safetensors", directory);
    start(&c);
    for (int round = 0; round < rounds; round++) {
        int before = *finished;
        pid_t child = fork();
        if (child == 0)
            write_on(&c, finished);
        while (*finished == before) /* there is a file to damage */
            if (child < 0 || waitpid(child, NULL, WNOHANG) != 0)
                stop("the writer ended by itself", NULL);
        struct timespec wait = {0, rand() % 2000000};
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        check(*finished);
        in_the_middle += clean_up();
    }
    unlink(path);
    rmdir(directory);
    eer_checkpoint_free(&c);
    printf("kill_write: %d kills, %d of them in the middle of a write: always a whole checkpoint\n",
           rounds, in_the_middle);
    return 0;
}
