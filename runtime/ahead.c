/* runtime/ahead.c - a cold start's parent: notices it, says it, starts the processes that help. */
#include "ahead.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPERS_MAX = 3, PARALLEL_UNITS = 4 };
/* A program that was compiled before is loaded in some milliseconds. */
static const double COMPILED_SECONDS = 0.15;

typedef struct ahead {
    const emitter *expected; /* whose launches are to come */
    const plan *plan;
    bool under_way;
    double from;
    pid_t helper[HELPERS_MAX];
    uint32_t n_helpers;
} ahead;

static char helper_program[1024]; /* set before threads start */

void nas_compile_helper_set(const char *program) {
    (void)snprintf(helper_program, sizeof helper_program, "%s", program ? program : "");
}

/* Checks of candidates while a plan is turned into launches are no plan of their own. */
void ahead_expect(const emitter *em, const plan *p) {
    nas_device *d = em->d;
    if (!d->ahead)
        d->ahead = nas_calloc(1, sizeof *d->ahead);
    if (!d->ahead || d->ahead->expected || d->force || d->trial || d->binary)
        return; /* then nobody helps */
    d->ahead->expected = em;
    d->ahead->plan = p;
}

void ahead_forget(const emitter *em) {
    ahead *a = em->d->ahead;
    if (a && a->expected == em)
        a->expected = NULL;
}

bool ahead_under_way(const nas_device *d) {
    return d->ahead && d->ahead->under_way && !d->ahead->expected;
}

/* ---- the list ---- */

static size_t bytes_of(const emitter *em, const plan *p, const karg *k) {
    size_t n = k->kind == KARG_SCRATCH    ? em->scratch_max - k->first
               : k->kind == KARG_ZERO     ? (size_t)DEVICE_ZEROS
               : k->kind == KARG_TOGETHER ? p->slot[p->copy[k->value].value].count
                                          : p->slot[k->value].count;
    return n * sizeof(float);
}

static void write_launch(FILE *f, const emitter *em, const plan *p, const launch *l) {
    fprintf(f, "%s %s %zu %zu %zu %u", l->file, l->kernel, l->global[0], l->global[1], l->global[2],
            (unsigned)l->n_args);
    for (uint32_t i = 0; i < l->n_args; i++) {
        const karg *k = &em->args[l->first_arg + i];
        int32_t bits = k->i;
        if (k->kind == KARG_F32)
            memcpy(&bits, &k->f, sizeof bits);
        if (k->kind == KARG_I32 || k->kind == KARG_F32)
            fprintf(f, " n%" PRId32, bits);
        else
            fprintf(f, " b%zu", bytes_of(em, p, k));
    }
    fputc('\n', f);
}

static bool is_repeated(const emitter *em, size_t i) {
    for (size_t k = i + 1; k < em->n_launches; k++)
        if (em->launches[k].file && !strcmp(em->launches[k].kernel, em->launches[i].kernel) &&
            !strcmp(em->launches[k].file, em->launches[i].file))
            return true;
    return false;
}

/* From the last to the first: the parent starts at the other end. */
static void write_list(FILE *f, const emitter *em, const plan *p) {
    for (size_t i = em->n_launches; i-- > 0;)
        if (!em->launches[i].call && !is_repeated(em, i) && !joint_has(em, i))
            write_launch(f, em, p, &em->launches[i]);
}

/* ---- the processes ---- */

extern char **environ;

static bool spawn_with(pid_t *pid, int list) {
    char word[] = "compile-ahead", *argv[] = {helper_program, word, NULL};
    posix_spawn_file_actions_t f;
    if (posix_spawn_file_actions_init(&f))
        return false;
    bool ok = !posix_spawn_file_actions_adddup2(&f, list, STDIN_FILENO) &&
              !posix_spawn_file_actions_addopen(&f, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) &&
              !posix_spawn_file_actions_addopen(&f, STDERR_FILENO, "/dev/null", O_WRONLY, 0) &&
              !posix_spawn(pid, helper_program, &f, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&f);
    return ok;
}

/* The list stands in a file, so that no one waits for the other to read or write. */
static void start_helper(ahead *a, const emitter *em, uint32_t part, uint32_t parts) {
    FILE *list = tmpfile();
    if (!list)
        return;
    fprintf(list, "%s\n%u %u\n", em->d->spec, (unsigned)part, (unsigned)parts);
    write_list(list, em, a->plan);
    rewind(list);
    if (!ferror(list) && spawn_with(&a->helper[a->n_helpers], fileno(list)))
        a->n_helpers++;
    (void)fclose(list);
}

/* What comes is known only when candidates were checked; that all of them are right is a good
 * guess. Not on a GPU or FPGA, where a second process may be one too many. */
static void start_helpers(nas_device *d) {
    ahead *a = d->ahead;
    emitter em = {.d = d, .g = a->expected->g, .guess = true, .joins = a->expected->joins};
    uint32_t units = d->info.compute_units;
    uint32_t n = units < 2 ? 0 : units < PARALLEL_UNITS ? 1 : HELPERS_MAX;
    if (!helper_program[0] || strcmp(d->info.type, "cpu") != 0)
        return;
    if (exec_emit(&em, a->plan) == NAS_OK)
        for (uint32_t i = 0; i < n; i++)
            start_helper(a, &em, i, n);
    rows_free(&em);
}

void ahead_built(nas_device *d, double seconds) {
    ahead *a = d->ahead;
    if (!a || !a->expected || a->under_way || seconds < COMPILED_SECONDS)
        return;
    a->under_way = true;
    a->from = nas_clock() - seconds;
    nas_log(NAS_LOG_INFO, "compiling kernels for %s, once on this machine", d->info.name);
    start_helpers(d);
}

static void end_helpers(ahead *a) {
    for (uint32_t i = 0; i < a->n_helpers; i++) {
        (void)kill(a->helper[i], SIGTERM); /* what it still does is done */
        (void)waitpid(a->helper[i], NULL, 0);
    }
    a->n_helpers = 0;
}

void ahead_end(nas_device *d) {
    ahead *a = d->ahead;
    end_helpers(a);
    a->under_way = false;
    nas_log(NAS_LOG_INFO, "kernels compiled in %.1f s", nas_clock() - a->from);
}

void ahead_free(nas_device *d) {
    if (d->ahead)
        end_helpers(d->ahead);
    nas_free(d->ahead);
}
