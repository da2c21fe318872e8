/* main.c - the program: finds the command, prints help, turns a status into an exit status. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "fail.h"
#include "gradcheck/gradcheck.h"
#include "verified.h"

static const struct eer_command *const commands[] = {
    &eer_train_command,  &eer_sweep_command,     &eer_eval_command,
    &eer_info_command,   &eer_theorem_command,   &eer_certify_command,
    &eer_report_command, &eer_gradcheck_command, &eer_bench_command,
};

enum { COMMANDS = sizeof commands / sizeof commands[0], OPTION_COLUMN = 28 };

static enum eer_status find(const char *name, const struct eer_command **command,
                            struct eer_error *error)
{
    const char *names[COMMANDS + 1];
    for (int i = 0; i < COMMANDS; i++) {
        names[i] = commands[i]->name;
        *command = commands[i];
        if (strcmp(name, names[i]) == 0)
            return EER_OK;
    }
    names[COMMANDS] = "help";
    const char *nearest = eer_nearest(name, names, COMMANDS + 1);
    if (nearest)
        return eer_fail(error, EER_USAGE, "unknown command \"%.60s\"; did you mean %s?", name,
                        nearest);
    return eer_fail(error, EER_USAGE, "unknown command \"%.60s\"", name);
}

static void print_overview(FILE *file)
{
    fprintf(file,
            "eer %s - train minimal looped transformers with energy-entropy regularization\n\n"
            "usage: eer COMMAND [OPTION]...\n\n",
            eer_version());
    for (int i = 0; i < COMMANDS; i++)
        fprintf(file, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(file, "  %-10s Explain a command: its options and what it writes.\n", "help");
    fprintf(file,
            "\nStart with: eer train\n"
            "Exit status: 0 success, 1 a failure, 2 wrong usage, 3 something is missing here.\n");
}

static void print_option(const struct eer_option *option)
{
    char text[80];
    const char *argument = option->argument;
    if (!argument)
        snprintf(text, sizeof text, "--%s", option->name);
    else if (argument[0] == '[')
        snprintf(text, sizeof text, "--%s[=%s", option->name, argument + 1);
    else
        snprintf(text, sizeof text, "--%s %s", option->name, argument);
    if (strlen(text) >= OPTION_COLUMN)
        printf("  %s\n  %*s%s\n", text, OPTION_COLUMN, "", option->help);
    else
        printf("  %-*s%s\n", OPTION_COLUMN, text, option->help);
}

static void print_help(const struct eer_command *command)
{
    printf("usage: eer %s%s%s%s\n\n%s\n", command->name,
           command->options[0].name ? " [OPTION]..." : "", command->operands[0] ? " " : "",
           command->operands, command->summary);
    if (command->details)
        printf("%s\n", command->details);
    if (command->options[0].name)
        printf("\n");
    for (const struct eer_option *option = command->options; option->name; option++)
        print_option(option);
}

static int asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    return 0;
}

static enum eer_status help(int argc, char **argv, struct eer_error *error)
{
    const struct eer_command *command;
    if (argc < 2) {
        print_overview(stdout);
        return EER_OK;
    }
    enum eer_status status = find(argv[1], &command, error);
    if (status == EER_OK)
        print_help(command);
    return status;
}

static enum eer_status dispatch(int argc, char **argv, struct eer_error *error)
{
    const struct eer_command *command;
    if (argc < 2) {
        print_overview(stderr);
        return eer_fail(error, EER_USAGE, "a command is missing");
    }
    if (strcmp(argv[1], "--version") == 0) {
        char verified[128];
        eer_verified(verified, sizeof verified);
        printf("eer %s\nsource %s\nverified: %s\n", eer_version(), eer_source_hash(), verified);
        return EER_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(1, argv, error);
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1, error);
    enum eer_status status = find(argv[1], &command, error);
    if (status != EER_OK)
        return status;
    if (asks_for_help(argc - 1, argv + 1)) {
        print_help(command);
        return EER_OK;
    }
    return command->run(argc - 1, argv + 1, error);
}

static void point_to_help(const char *name)
{
    const struct eer_command *command;
    struct eer_error ignored;
    if (find(name, &command, &ignored) == EER_OK)
        fprintf(stderr, "See: eer help %s\n", name);
    else
        fprintf(stderr, "See: eer help\n");
}

int main(int argc, char **argv)
{
    struct eer_error error = {EER_OK, ""};
    enum eer_status status = dispatch(argc, argv, &error);
    if (fflush(stdout) != 0 && (status == EER_OK || status == EER_STOPPED))
        status =
            eer_fail(&error, EER_IO, "cannot write to the standard output: %s", strerror(errno));
    if (status != EER_OK && status != EER_STOPPED)
        fprintf(stderr, "eer: %s\n", error.text);
    if (status == EER_USAGE)
        point_to_help(argc > 1 ? argv[1] : "");
    return eer_exit_status(status);
}
