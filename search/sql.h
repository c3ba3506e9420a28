/* search/sql.h - SQL in one call, over SQLite or PostgreSQL: one text for both. */
#ifndef NAS_SEARCH_SQL_H
#define NAS_SEARCH_SQL_H

#include <nas/core.h>

/* Values for the '?' of a statement, in order. Text is borrowed during the call. */
typedef struct sql_value {
    enum { SQL_INT, SQL_REAL, SQL_TEXT, SQL_NONE } type;
    int64_t i;
    double d;
    const char *s;
} sql_value;
#define INT(v)  ((sql_value){.type = SQL_INT, .i = (int64_t)(v)})
#define REAL(v) ((sql_value){.type = SQL_REAL, .d = (v)})
#define TEXT(v) ((sql_value){.type = SQL_TEXT, .s = (v)})
#define NONE    ((sql_value){.type = SQL_NONE})

typedef struct sql_db sql_db;
typedef struct sql_rows sql_rows;

/* What "$NAME" in a statement stands for. */
typedef struct sql_word {
    const char *name, *text;
} sql_word;

typedef struct sql_engine {
    bool shared;                /* a server: other machines reach it too */
    const char *begin;          /* starts a transaction that writes */
    const char *tables;         /* counts all tables, or those that the appended list names */
    const char *const *prepare; /* run before the tables are made; ended by NULL */
    const sql_word *words;      /* ended by a NULL name */
    nas_status (*query)(sql_rows **out, sql_db *d, const char *sql, const sql_value *v, int n);
    nas_status (*next)(bool *more, sql_rows *r);
    const char *(*text)(sql_rows *r, int column); /* NULL where SQL has NULL */
    int64_t (*integer)(sql_rows *r, int column);  /* 0 where SQL has NULL */
    double (*real)(sql_rows *r, int column);      /* NAN where SQL has NULL */
    void (*end)(sql_rows *r);
    void (*rollback)(sql_db *d);
    nas_status (*reconnect)(sql_db *d); /* after `lost`; NULL where nothing can be lost */
    void (*close)(sql_db *d);
} sql_engine;

/* An open database; an engine's own begins with it. */
struct sql_db {
    const sql_engine *engine;
    const char *name;  /* for messages; the store's */
    bool lost;         /* the last failure was the connection's */
    bool inside;       /* a transaction is under way */
    bool retried;      /* this transaction was tried before; its commit may have come through */
    double patience_s; /* how long a lost server is waited for */
    const volatile int *stop; /* non-zero ends the wait; may be NULL */
    double connected;         /* clock at which the connection was made */
};

/* sql_sqlite.c, sql_postgres.c. `name` must live as long as the database. lock_key: the advisory
 * lock that the connection takes, and takes again when it is made anew; 0: none. */
nas_status sqlite_open(sql_db **out, const char *path, const char *name, bool write);
nas_status postgres_open(sql_db **out, const char *url, const char *name, int64_t lock_key);

/* A statement's rows, to be stepped with sql_next; the caller ends them (NULL is fine). */
nas_status sql_query(sql_rows **out, sql_db *d, const char *sql, const sql_value *v, int n);
nas_status sql_next(bool *more, sql_rows *r);
const char *sql_column_text(sql_rows *r, int column);
int64_t sql_column_int(sql_rows *r, int column);
double sql_column_real(sql_rows *r, int column);
void sql_end(sql_rows *r);

/* Runs a statement whose rows nobody wants. */
nas_status sql_run(sql_db *d, const char *sql, const sql_value *v, int n) NAS_MUST_USE;
/* First column of the first row; *found is false when there is none (out stays as it was). */
nas_status sql_int(int64_t *out, bool *found, sql_db *d, const char *sql, const sql_value *v,
                   int n) NAS_MUST_USE;
/* The same for text, which is the caller's (nas_free); NULL when there is none. */
nas_status sql_text(char **out, sql_db *d, const char *sql, const sql_value *v, int n) NAS_MUST_USE;

/* Runs body in one transaction. When the server went away it is run again from the start, so body
 * must find out by itself what an earlier try has left (d->retried). */
typedef nas_status (*sql_body)(void *ctx);
nas_status sql_transaction(sql_db *d, sql_body body, void *ctx) NAS_MUST_USE;
void sql_close(sql_db *d);

/* Every open rows object begins with this. */
struct sql_rows {
    sql_db *db;
};

#endif
