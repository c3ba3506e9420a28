/* include/nas/space.h - the network language: network files, spaces, genomes, graphs.
 *
 * A network file (YAML) has name, input [H,W,C], classes, optional let, and net: a list of blocks. A
 * space is a network file in which values are `{choose: [..]}`. docs/network-language.md is the manual
 * of the blocks; each block is one file in search/blocks/ and one row of search/blocks.def.
 */
#ifndef NAS_SPACE_H
#define NAS_SPACE_H

#include <nas/graph.h>
#include <nas/sketch.h>

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
/* The largest input where its size is a choice. */
void nas_space_input(const nas_space *s, int32_t hwc[3], int32_t *classes);
/* Appends the file in one canonical form (nas_yaml_print): comments and layout do not show, all else
 * does. It reads back as the same space. */
void nas_space_text(nas_text *out, const nas_space *s);
uint32_t nas_space_gene_count(const nas_space *s);
const nas_gene *nas_space_gene(const nas_space *s, uint32_t i);
/* Number of different networks (canonical genomes), those that constraints exclude included; exact
 * below 2^53, else nearest double. */
double nas_space_size(const nas_space *s);
/* Appends the same number with all its digits. */
void nas_space_size_text(nas_text *out, const nas_space *s);

/* active[i]: whether gene i matters under the others (array of gene_count). */
void nas_space_active(bool *active, const nas_space *s, const nas_genome *x);
void nas_space_canonical(nas_genome *x, const nas_space *s);
/* Each gene uniform, canonical; drawn anew while a constraint of the space is not met, at most 1000
 * times, of which at most 100 with constraints over params and MACs. */
void nas_space_sample(nas_genome *x, const nas_space *s, nas_rng *r);
/* Each network that meets the constraints with the same probability, where nas_space_sample prefers
 * those of rare depths and families. E_UNSUPPORTED: none was found in 200,000 draws. */
nas_status nas_space_sample_uniform(nas_genome *x, const nas_space *s, nas_rng *r) NAS_MUST_USE;
/* As nas_space_sample; gives the number of draws. */
uint32_t nas_space_draw(nas_genome *x, const nas_space *s, nas_rng *r);
/* Whether the network can be built and meets the constraints; true without building it where there
 * are none. nas_error_text() has the reason. */
bool nas_space_allows(const nas_space *s, const nas_genome *x);
/* Next canonical genome in counting order that meets the constraints over genes; false after the last. Start: all zero, canonical. */
bool nas_space_next(nas_genome *x, const nas_space *s);

/* The network's name in the space's own notation: the file's key `arch`, a text in which {PATH} stands
 * for the chosen option of that gene; without one, all gene numbers joined by '-'. */
nas_status nas_space_arch(nas_text *out, const nas_space *s, const nas_genome *x) NAS_MUST_USE;
/* The canonical genome of such a name; E_PARSE shows what a name looks like. */
nas_status nas_space_from_arch(nas_genome *out, const nas_space *s, const char *text) NAS_MUST_USE;

/* ---- genome tools, for strategies and for studying a space ---- */

/* How many neighbours x has: genomes that differ from it in one active gene. (Some may be one network
 * when they are made canonical.) */
uint32_t nas_genome_neighbour_count(const nas_space *s, const nas_genome *x);
/* Neighbour k of x, canonical; 0 <= k < nas_genome_neighbour_count. Genes that become active are 0. */
void nas_genome_neighbour(nas_genome *out, const nas_space *s, const nas_genome *x, uint32_t k);
/* Changes `edits` active genes to other options, one after the other, both uniform; genes that become
 * active by it are drawn. Canonical. A space of one network stays as it is. */
void nas_genome_mutate(nas_genome *x, const nas_space *s, uint32_t edits, nas_rng *r);
/* Uniform crossover: each gene from b with probability `swap`, else from a; a gene that is active in
 * only one of them comes from that one. Canonical. */
void nas_genome_cross(nas_genome *out, const nas_space *s, const nas_genome *a, const nas_genome *b,
                      double swap, nas_rng *r);
/* How many genes two canonical genomes differ in; one that is active in only one of them counts. */
uint32_t nas_genome_distance(const nas_space *s, const nas_genome *a, const nas_genome *b);

/* Genomes as rows of numbers, for predictors.
 *   ONE_HOT    for each gene its options, 1 at the chosen one; all 0 where it is inactive
 *   ORDINAL    for each gene 0 … 1 by the place of the option; -1 where it is inactive
 *   ADJACENCY  cells: the upper triangle of nodes x nodes, 1 where an edge carries an op (not `none`),
 *              then the edges' ops one-hot, in the order of the genes
 *   PATH       cells: for each string of ops up to the longest way through the cell (shorter strings
 *              first), 1 if some path from input to output reads so. White et al. 2021
 *   FUNCTION   PATH of what is computed: `none` cuts a path, `skip` leaves no trace in the string;
 *              its first number is the empty string
 * A cell is known by its genes: three or more whose paths end in FROM>TO ("cell.0>1") and whose
 * options are the same. */
typedef enum nas_encoding {
    NAS_ENCODE_ONE_HOT,
    NAS_ENCODE_ORDINAL,
    NAS_ENCODE_ADJACENCY,
    NAS_ENCODE_PATH,
    NAS_ENCODE_FUNCTION
} nas_encoding;
typedef struct nas_encoder nas_encoder;
/* The space is borrowed. E_UNSUPPORTED: ADJACENCY, PATH or FUNCTION of a space without a cell, or whose
 * strings are more than 65,536. */
nas_status nas_encoder_create(nas_encoder **out, const nas_space *s, nas_encoding kind) NAS_MUST_USE;
void nas_encoder_free(nas_encoder *e);
uint32_t nas_encoder_size(const nas_encoder *e); /* numbers in a row */
void nas_encoder_row(float *row, const nas_encoder *e, const nas_genome *x);

/* Resolves every choice: the text of a network file that stands alone. */
nas_status nas_space_network(nas_text *yaml, const nas_space *s, const nas_genome *x) NAS_MUST_USE;
/* The model graph: INPUT "x" [batch,H,W,C], output logits [batch,classes]. A choice that cannot be
 * built (shapes that do not meet) is E_SHAPE with the block's line; so is a constraint not met. */
nas_status nas_space_graph(nas_graph **out, const nas_space *s, const nas_genome *x, int32_t batch) NAS_MUST_USE;

/* What the space looks like, for drawing: box 0 of the result is the net, the others are what stands
 * beside it: let names, blocks of the file, constraints. The texts are the sketch's own. */
typedef struct nas_sketch nas_sketch;
nas_status nas_space_sketch(nas_sketch **out, const nas_space *s) NAS_MUST_USE;
const nas_sketch_box *nas_sketch_root(const nas_sketch *k);
void nas_sketch_free(nas_sketch *k);

/* A hash of what the network computes: additions of zeros and what is computed from zeros alone count
 * as nothing, sums are equal in any order and nesting. Names, batch and order of nodes do not count.
 * Networks of one space with equal identities are one network. E_MEMORY. */
nas_status nas_network_identity(uint64_t *out, const nas_graph *g) NAS_MUST_USE;

/* A network file (no choices left; E_PARSE names the first one) straight to its graph. */
nas_status nas_network_graph(nas_graph **out, const char *yaml_text, size_t n, const char *name, int32_t batch) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
