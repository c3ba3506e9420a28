/* cli/study_price.h - what a study knows of a network before, or without, training it. */
#ifndef NAS_CLI_STUDY_PRICE_H
#define NAS_CLI_STUDY_PRICE_H

#include "cli.h"

#include <nas/table.h>

/* Results of a study on a table; NULL where networks are trained. */
typedef struct study_table {
    nas_table *table;
    nas_expression *objective[NAS_MAX_OBJECTIVES];
    nas_expression *constraint[NAS_MAX_CONSTRAINTS];
    nas_expression *report[NAS_MAX_REPORTS];
} study_table;

/* Opens the table and reads every expression; checks that its first row is a network of the space.
 */
nas_status study_table_open(study_table **out, const nas_study_config *c, const nas_space *s);
void study_table_free(study_table *t);

/* What nas_price_fn needs. */
typedef struct study_prices {
    const nas_study_config *config;
    const nas_space *space;
    const study_table *table; /* NULL: prices come from the network itself */
} study_prices;
nas_status study_price(void *prices, const nas_genome *x, double *objective, double *violation);

/* All values of a network on the table, and its name in `arch`. E_NOT_FOUND: the table has no such
 * row; E_NAN: an expression has no value there. */
typedef struct study_row {
    double objective[NAS_MAX_OBJECTIVES], constraint[NAS_MAX_CONSTRAINTS], report[NAS_MAX_REPORTS];
} study_row;
nas_status study_look_up(study_row *out, nas_text *arch, const study_prices *p,
                         const nas_genome *x);

/* How far v is outside of a constraint, as a share of the limit; 0: within. *limit: the one broken.
 */
double study_violation(double *limit, const nas_constraint *c, double v);

#endif
