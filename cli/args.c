/* cli/args.c - arguments of a verb against its table, help text, error lines. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Option number i over both tables of a verb; NULL behind the last. */
static const cli_option *option_at(const cli_command *c, size_t i) {
    size_t n = 0;
    for (const cli_option *o = c->options; o && o->name; o++)
        if (n++ == i)
            return o;
    for (const cli_option *o = c->more; o && o->name; o++)
        if (n++ == i)
            return o;
    return NULL;
}

static const cli_option *find_option(const cli_command *c, const char *name) {
    const cli_option *o;
    for (size_t i = 0; (o = option_at(c, i)); i++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

int cli_usage(const cli_args *a, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    talk_end();
    fprintf(stderr, "clnas %s: ", a->command->name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, " (clnas %s --help)\n", a->command->name);
    va_end(ap);
    return CLI_USAGE;
}

int cli_fail(const cli_args *a) {
    const char *why = nas_error_text();
    talk_end();
    fprintf(stderr, "clnas %s: %s\n", a->command->name, why);
    return strncmp(why, "--", 2) == 0 ? CLI_USAGE : CLI_FAILED;
}

void cli_shell_word(nas_text *t, const char *s) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "%+,-./:=@_";
    if (s[0] != 0 && s[strspn(s, plain)] == 0) {
        nas_text_add(t, "%s", s);
        return;
    }
    nas_text_add(t, "'");
    for (; *s; s++)
        if (*s == '\'')
            nas_text_add(t, "'\\''");
        else
            nas_text_bytes(t, s, 1);
    nas_text_add(t, "'");
}

static int unknown_option(const cli_args *a, const char *name) {
    const char *names[96];
    size_t n = 0;
    const cli_option *o;
    while (n < 96 && (o = option_at(a->command, n)))
        names[n++] = o->name;
    const char *near = nas_nearest(name, names, n);
    if (near)
        return cli_usage(a, "there is no option --%s, did you mean --%s?", name, near);
    return cli_usage(a, "there is no option --%s", name);
}

/* Takes argv[i] (an option) and, if it has one, its value; returns how many words it took, or 0. */
static int take_option(cli_args *a, int argc, char **argv, int i) {
    char *name = argv[i] + 2;
    char *eq = strchr(name, '=');
    if (eq)
        *eq = 0;
    const cli_option *o = find_option(a->command, name);
    bool setting = !o && a->command->settings && strchr(name, '.');
    if (!o && !setting) {
        unknown_option(a, name);
        return 0;
    }
    const char *value = eq ? eq + 1 : NULL;
    bool wants = setting || o->arg;
    if (!wants && value) {
        cli_usage(a, "--%s takes no value", name);
        return 0;
    }
    if (wants && !value && i + 1 >= argc) {
        cli_usage(a, "--%s wants a value", name);
        return 0;
    }
    int took = wants && !value ? 2 : 1;
    if (wants && !value)
        value = argv[i + 1];
    size_t room =
        setting ? sizeof a->setting / sizeof *a->setting / 2 : sizeof a->option / sizeof *a->option;
    if ((size_t)(setting ? a->n_settings : a->n_options) >= room) {
        cli_usage(a, "too many options");
        return 0;
    }
    if (setting) {
        a->setting[2 * a->n_settings] = name;
        a->setting[2 * a->n_settings++ + 1] = value;
    } else {
        a->option[a->n_options].name = o->name;
        a->option[a->n_options++].value = value;
    }
    return took;
}

int cli_parse(cli_args *a, const cli_command *c, int argc, char **argv) {
    memset(a, 0, sizeof *a);
    a->command = c;
    bool words_only = false;
    for (int i = 0; i < argc;) {
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
            i++;
        } else if (!words_only && strncmp(argv[i], "--", 2) == 0) {
            int took = take_option(a, argc, argv, i);
            if (!took)
                return CLI_USAGE;
            i += took;
        } else if (!words_only && argv[i][0] == '-' && argv[i][1]) {
            return cli_usage(a, "there is no option %s", argv[i]);
        } else {
            if (a->n_words >= c->max_words || a->n_words >= 64)
                return cli_usage(a, "'%s' is one argument too many", argv[i]);
            a->word[a->n_words++] = argv[i++];
        }
    }
    if (a->n_words < c->min_words)
        return cli_usage(a, "usage: clnas %s %s", c->name, c->synopsis);
    return CLI_OK;
}

void cli_help(const cli_command *c) {
    printf("usage: clnas %s %s\n\n%s\n", c->name, c->synopsis, c->about);
    printf("\noptions:\n");
    const cli_option *o;
    for (size_t i = 0; (o = option_at(c, i)); i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        printf("  %-24s %s\n", left, o->help);
    }
    if (c->settings)
        printf("  %-24s %s\n", "--KEY.KEY VALUE", "any setting of the study file (docs/study.md)");
    printf("  %-24s %s\n", "--help", "this text");
    printf("\nexample:\n  %s\n", c->example);
}

const char *cli_get(const cli_args *a, const char *option) {
    for (int i = a->n_options - 1; i >= 0; i--) /* the last one given counts */
        if (strcmp(a->option[i].name, option) == 0)
            return a->option[i].value ? a->option[i].value : "";
    return NULL;
}

bool cli_has(const cli_args *a, const char *option) {
    return cli_get(a, option) != NULL;
}

bool cli_get_int(int64_t *out, const cli_args *a, const char *option, int64_t min, int64_t max) {
    const char *s = cli_get(a, option);
    if (!s)
        return true;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || end == s || *end || v < min || v > max) {
        cli_usage(a, "--%s wants a whole number from %lld to %lld, not '%s'", option,
                  (long long)min, (long long)max, s);
        return false;
    }
    *out = v;
    return true;
}

int cli_print(const cli_args *a, nas_text *t) {
    int status = CLI_OK;
    if (nas_text_check(t) != NAS_OK) {
        status = cli_fail(a);
    } else if (fwrite(nas_text_str(t), 1, t->n, stdout) != t->n || fflush(stdout) != 0) {
        fprintf(stderr, "clnas %s: cannot write to standard output: %s\n", a->command->name,
                strerror(errno));
        status = CLI_FAILED;
    }
    nas_text_free(t);
    return status;
}
