/* tests/cli/program.h - runs the built program as a user would, on data that the test writes. */
#ifndef TESTS_CLI_PROGRAM_H
#define TESTS_CLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct outcome {
    int status; /* exit status; 128 + signal when it was killed */
    char *out;  /* stdout and stderr, NUL-terminated; program_free */
    char *err;
} outcome;

/* A fresh folder under the build tree; its path is valid until the next call. */
const char *program_folder(const char *name);
/* Runs `clnas ARGS…` (NULL ends them) to its end in `folder`. */
outcome program_run(const char *folder, const char *const *args);
void program_free(outcome *o);
/* Starts it in the background with output to files; program_wait ends and collects. */
pid_t program_start(const char *folder, const char *const *args);
int program_wait(pid_t pid);
/* Writes a data set in IDX: n_train + n_test images of 28x28 whose class shows as a bright bar. */
void program_data(const char *folder, int n_train, int n_test);
/* Writes text to folder/name. */
void program_file(const char *folder, const char *name, const char *text);
bool program_exists(const char *folder, const char *name);

#endif
