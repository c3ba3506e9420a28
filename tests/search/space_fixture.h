/* tests/search/space_fixture.h - what tests of spaces do again and again; failures end the test. */
#ifndef NAS_TESTS_SPACE_FIXTURE_H
#define NAS_TESTS_SPACE_FIXTURE_H

#include <nas/space.h>

#define HEAD "name: t\ninput: [8, 8, 1]\nclasses: 10\n"

nas_space *parse(const char *text);
nas_space *open_space(const char *name);
nas_graph *graph_of(const nas_space *s, const nas_genome *x, int32_t batch);
nas_graph *network_of(const char *text);
void assert_leaf(const nas_graph *g, const char *name, const char *shape);
/* Counting through the space meets as many networks as its size says, each canonical. */
void assert_enumeration(const nas_space *s);
/* The network's file gives the same graph, and itself. */
void assert_round_trip(const nas_space *s, const nas_genome *x);

#endif
