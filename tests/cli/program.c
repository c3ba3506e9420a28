/* tests/cli/program.c - runs the built program, and writes the data it works on. */
#include "program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIDE = 28, CLASSES = 10, PATH = 4096 };

const char *program_folder(const char *name) {
    static char path[PATH];
    char command[2 * PATH + 32];
    snprintf(path, sizeof path, "%s/tests/tmp-%s", NAS_BINARY_DIR, name);
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir -p '%s'", path, path);
    assert_int_equal(system(command), 0);
    return path;
}

static void redirect(const char *name, int fd) {
    int f = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (f < 0 || dup2(f, fd) < 0)
        _exit(99);
    close(f);
}

pid_t program_start(const char *folder, const char *const *args) {
    const char *argv[64] = {NAS_BINARY_DIR "/clnas"};
    for (int i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(folder))
            _exit(99);
        redirect("stdout.txt", 1);
        redirect("stderr.txt", 2);
        execv(NAS_BINARY_DIR "/clnas", (char *const *)argv);
        _exit(98);
    }
    return pid;
}

int program_wait(pid_t pid) {
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char *slurp(const char *folder, const char *name) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *s = malloc((size_t)n + 1);
    assert_non_null(s);
    assert_int_equal(fread(s, 1, (size_t)n, f), n);
    s[n] = 0;
    fclose(f);
    return s;
}

outcome program_run(const char *folder, const char *const *args) {
    outcome o;
    o.status = program_wait(program_start(folder, args));
    o.out = slurp(folder, "stdout.txt");
    o.err = slurp(folder, "stderr.txt");
    return o;
}

void program_free(outcome *o) {
    free(o->out);
    free(o->err);
}

static void be32(FILE *f, uint32_t v) {
    for (int i = 3; i >= 0; i--)
        fputc((int)(v >> (8 * i) & 255), f);
}

static FILE *create(const char *folder, const char *name) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    return f;
}

static void part(const char *folder, const char *images, const char *labels, int n, uint32_t seed) {
    FILE *fi = create(folder, images), *fl = create(folder, labels);
    be32(fi, 0x803);
    be32(fi, (uint32_t)n);
    be32(fi, SIDE);
    be32(fi, SIDE);
    be32(fl, 0x801);
    be32(fl, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        int label = i % CLASSES;
        fputc(label, fl);
        for (int p = 0; p < SIDE * SIDE; p++) {
            seed = seed * 1664525u + 1013904223u;
            int noise = (int)(seed >> 24) / 2, row = p / SIDE;
            fputc(row / 3 == label ? 128 + noise : noise, fi);
        }
    }
    fclose(fi);
    fclose(fl);
}

void program_data(const char *folder, int n_train, int n_test) {
    part(folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", n_train, 1);
    part(folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", n_test, 2);
}

void program_file(const char *folder, const char *name, const char *text) {
    FILE *f = create(folder, name);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
}

bool program_exists(const char *folder, const char *name) {
    char path[PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}
