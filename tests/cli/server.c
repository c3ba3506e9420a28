/* tests/cli/server.c - starts, asks, stops and restarts a PostgreSQL server with Debian's programs.
 */
#include "server.h"

#include <arpa/inet.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT = 4096 };
static char folder[64], programs[512], as_user[64];
static int port;

__attribute__((format(printf, 1, 2))) static int shell(const char *fmt, ...) {
    char command[TEXT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command);
}

/* The newest of Debian's versions; its programs are not in PATH. */
static bool find_programs(void) {
    glob_t found;
    bool any = glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0;
    if (any) {
        snprintf(programs, sizeof programs, "%s", found.gl_pathv[found.gl_pathc - 1]);
        *strrchr(programs, '/') = 0;
    }
    globfree(&found);
    return any;
}

static int free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool got =
        bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0;
    close(fd);
    return got ? ntohs(a.sin_port) : 0;
}

const char *server_start(void) {
    if (!find_programs())
        return "there is no /usr/lib/postgresql/*/bin/postgres (apt install postgresql)";
    if (geteuid() == 0 && shell("id postgres >/dev/null 2>&1") != 0)
        return "PostgreSQL does not run as root, and there is no user postgres";
    if (geteuid() == 0)
        snprintf(as_user, sizeof as_user,
                 "setpriv --reuid=postgres --regid=postgres --clear-groups");
    snprintf(folder, sizeof folder, "/tmp/clnas-server-XXXXXX");
    if (!mkdtemp(folder) || (geteuid() == 0 && shell("chown postgres %s", folder) != 0))
        return "no folder can be made in /tmp";
    port = free_port();
    if (shell("cd %s && %s %s/initdb -D %s/data -A trust -U clnas --no-sync >%s/initdb.log 2>&1",
              folder, as_user, programs, folder, folder) != 0)
        return "initdb failed";
    server_up();
    return NULL;
}

void server_up(void) {
    assert_int_equal(shell("cd %s && %s %s/pg_ctl -D %s/data -w -o '-p %d -h 127.0.0.1 -k %s' -l "
                           "%s/log start >/dev/null",
                           folder, as_user, programs, folder, port, folder, folder),
                     0);
}

void server_down(void) {
    assert_int_equal(shell("cd %s && %s %s/pg_ctl -D %s/data -w -m immediate stop >/dev/null",
                           folder, as_user, programs, folder),
                     0);
}

void server_remove(void) {
    if (!folder[0] || !strstr(folder, "/clnas-server-"))
        return;
    shell("cd / && %s %s/pg_ctl -D %s/data -m immediate stop >/dev/null 2>&1", as_user, programs,
          folder);
    shell("rm -rf %s", folder);
}

const char *server_url(const char *database) {
    static char url[128];
    snprintf(url, sizeof url, "postgresql://clnas@127.0.0.1:%d/%s", port, database);
    return url;
}

void server_database(const char *database) {
    assert_int_equal(shell("%s/psql -q -h 127.0.0.1 -p %d -U clnas -d postgres -c 'CREATE DATABASE "
                           "%s'",
                           programs, port, database),
                     0);
}

const char *server_sql(const char *database, const char *sql) {
    static char answer[TEXT];
    char command[TEXT];
    snprintf(command, sizeof command, "%s/psql -At -h 127.0.0.1 -p %d -U clnas -d %s -c \"%s\"",
             programs, port, database, sql);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(answer, 1, sizeof answer - 1, f);
    answer[n] = 0;
    assert_int_equal(pclose(f), 0);
    return answer;
}

long server_number(const char *database, const char *sql) {
    return strtol(server_sql(database, sql), NULL, 10);
}
