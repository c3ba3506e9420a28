/* search/study_keys.c - typed readers of a study's keys. */
#include "study_keys.h"

#include <string.h>

nas_status key_whole(int64_t *out, const nas_yaml_node *map, const char *key, int64_t min,
                     int64_t max) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    return n != NULL ? nas_yaml_int(out, n, min, max) : NAS_OK;
}

nas_status key_u32(uint32_t *out, const nas_yaml_node *map, const char *key, uint32_t min,
                   uint32_t max) {
    int64_t v = *out;
    NAS_TRY(key_whole(&v, map, key, min, max));
    *out = (uint32_t)v;
    return NAS_OK;
}

nas_status key_number(double *out, const nas_yaml_node *map, const char *key, double min,
                      double max) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    return n != NULL ? nas_yaml_double(out, n, min, max) : NAS_OK;
}

nas_status node_text(char *out, size_t size, const nas_yaml_node *n, const char *what) {
    const char *s;
    NAS_TRY(nas_yaml_string(&s, n));
    size_t length = strlen(s);
    if (length == 0)
        return nas_yaml_fail(n, "%s is empty", what);
    if (length >= size)
        return nas_yaml_fail(n, "%s has %zu bytes, but at most %zu are possible", what, length,
                             size - 1);
    memcpy(out, s, length + 1);
    return NAS_OK;
}

nas_status key_text(char *out, size_t size, const nas_yaml_node *map, const char *key) {
    const nas_yaml_node *n = nas_yaml_get(map, key);
    return n != NULL ? node_text(out, size, n, key) : NAS_OK;
}

nas_status key_map(const nas_yaml_node **out, const nas_yaml_node *root, const char *key,
                   const char *const *known, size_t n_known) {
    const nas_yaml_node *n = *out = nas_yaml_get(root, key);
    if (n == NULL)
        return NAS_OK;
    if (nas_yaml_kind_of(n) != NAS_YAML_MAP)
        return nas_yaml_fail(n, "%s is a map of settings", key);
    return known != NULL ? nas_yaml_only(n, known, n_known) : NAS_OK;
}
