/* include/nas/space.h - the network language: network files, spaces, genomes, graphs.
 *
 * A network file (YAML) has name, input [H,W,C], classes, optional let, and net: a list of blocks. A
 * space is a network file in which values are `{choose: [..]}`. docs/network-language.md is the manual
 * of the blocks; each block is one file in search/blocks/ and one row of search/blocks.def.
 */
#ifndef NAS_SPACE_H
#define NAS_SPACE_H

#include <nas/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nas_space nas_space;

/* A gene is one choice. choices are the YAML texts of its options, in file order; a choice between
 * blocks has the keys of a map of alternatives, or the kind of a block that is alone in having it. */
typedef struct nas_gene {
    const char *path;            /* "s1.2.kernel" */
    uint32_t n;                  /* number of options, >= 1 */
    const char *const *choices;
    bool ordinal;                /* all options are numbers, in rising order */
} nas_gene;

enum { NAS_MAX_GENES = 512 };
/* One number 0 … n-1 for each gene of the space. Genes that another choice leaves out are inactive;
 * a canonical genome has 0 there, so that two genomes of one network are equal. */
typedef struct nas_genome {
    uint32_t n;
    uint16_t gene[NAS_MAX_GENES];
} nas_genome;

/* name_or_path: a built-in space (search/spaces/) or a file (contains '/' or ends in .yaml). Checks
 * the whole file: unknown blocks and keys (nearest known name), types, empty choices, with line and
 * column. A file without choices is a space of one network. */
nas_status nas_space_open(nas_space **out, const char *name_or_path) NAS_MUST_USE;
nas_status nas_space_parse(nas_space **out, const char *text, size_t n, const char *name) NAS_MUST_USE;
void nas_space_free(nas_space *s);
const char *const *nas_space_names(void); /* built in, sorted, NULL behind the last */

const char *nas_space_name(const nas_space *s);
const char *nas_space_about(const nas_space *s); /* the comment on top of the file: source, purpose */
void nas_space_input(const nas_space *s, int32_t hwc[3], int32_t *classes);
uint32_t nas_space_gene_count(const nas_space *s);
const nas_gene *nas_space_gene(const nas_space *s, uint32_t i);
/* Number of different networks (canonical genomes); exact below 2^53, else nearest double. */
double nas_space_size(const nas_space *s);

/* active[i]: whether gene i matters under the others (array of gene_count). */
void nas_space_active(bool *active, const nas_space *s, const nas_genome *x);
void nas_space_canonical(nas_genome *x, const nas_space *s);
/* Each gene uniform, canonical. */
void nas_space_sample(nas_genome *x, const nas_space *s, nas_rng *r);
/* Next canonical genome in counting order; false after the last. Start: all zero, canonical. */
bool nas_space_next(nas_genome *x, const nas_space *s);

/* Resolves every choice: the text of a network file that stands alone. */
nas_status nas_space_network(nas_text *yaml, const nas_space *s, const nas_genome *x) NAS_MUST_USE;
/* The model graph: INPUT "x" [batch,H,W,C], output logits [batch,classes]. A choice that cannot be
 * built (shapes that do not meet) is E_SHAPE with the block's line. */
nas_status nas_space_graph(nas_graph **out, const nas_space *s, const nas_genome *x, int32_t batch) NAS_MUST_USE;

/* A network file (no choices left; E_PARSE names the first one) straight to its graph. */
nas_status nas_network_graph(nas_graph **out, const char *yaml_text, size_t n, const char *name, int32_t batch) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
