/* search/study_keys.h - typed readers of a study's keys. They leave *out alone when the key is
 * absent: defaults stand there already. */
#ifndef NAS_SEARCH_STUDY_KEYS_H
#define NAS_SEARCH_STUDY_KEYS_H

#include <nas/search.h>

nas_status key_whole(int64_t *out, const nas_yaml_node *map, const char *key, int64_t min,
                     int64_t max) NAS_MUST_USE;
nas_status key_u32(uint32_t *out, const nas_yaml_node *map, const char *key, uint32_t min,
                   uint32_t max) NAS_MUST_USE;
nas_status key_number(double *out, const nas_yaml_node *map, const char *key, double min,
                      double max) NAS_MUST_USE;
nas_status key_text(char *out, size_t size, const nas_yaml_node *map, const char *key) NAS_MUST_USE;
/* *out is NULL when the key is absent; else a map whose keys are all in `known` (NULL: any). */
nas_status key_map(const nas_yaml_node **out, const nas_yaml_node *root, const char *key,
                   const char *const *known, size_t n_known) NAS_MUST_USE;
/* The text of a node that is not empty and fits; errors call it `what`. */
nas_status node_text(char *out, size_t size, const nas_yaml_node *n, const char *what) NAS_MUST_USE;

/* study_strategy.c: the map `strategy`. */
nas_status study_strategy(nas_study_config *c, const nas_yaml_node *root) NAS_MUST_USE;

#endif
