/* tests/cli/server.h - a PostgreSQL server of the test's own: loopback, a folder in /tmp, no root.
 */
#ifndef TESTS_CLI_SERVER_H
#define TESTS_CLI_SERVER_H

#include <stdbool.h>

/* Makes and starts one; NULL when it runs, else why it cannot (the test is then skipped). */
const char *server_start(void);
/* Its address; `database` is created by server_database. */
const char *server_url(const char *database);
void server_database(const char *database);
/* Stops it at once, as a machine that goes down would, or starts it again. */
void server_down(void);
void server_up(void);
/* First column of the answer, rows separated by newlines; valid until the next call. */
const char *server_sql(const char *database, const char *sql);
long server_number(const char *database, const char *sql);
/* Stops it and removes its folder. */
void server_remove(void);

#endif
