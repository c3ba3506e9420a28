/* search/train_keys.h - checks the maps train: and retrain: of a study file. */
#ifndef NAS_SEARCH_TRAIN_KEYS_H
#define NAS_SEARCH_TRAIN_KEYS_H

#include <nas/search.h>

/* Checks names, types and ranges of a map of training keys; `extra` is one more key that the map
 * may have and that the caller reads itself, or NULL. */
nas_status train_keys_check(const nas_yaml_node *map, const char *extra);

#endif
