/* cli/network.c - network files, model files and data sets as the verbs need them. */
#include "cli.h"

nas_status cli_network(nas_graph **graph, char **text, const char *path, int32_t batch) {
    char *bytes = NULL;
    size_t n;
    NAS_TRY(nas_file_read(&bytes, &n, path, 4 << 20));
    nas_status st = nas_network_graph(graph, bytes, n, path, batch);
    if (st == NAS_OK && text)
        *text = bytes;
    else
        nas_free(bytes);
    return st;
}

nas_status cli_network_name(char *out, size_t size, const char *path) {
    nas_yaml *doc = NULL;
    NAS_TRY(nas_yaml_read_file(&doc, path));
    const nas_yaml_node *name = nas_yaml_get(nas_yaml_root(doc), "name");
    const char *text = name ? nas_yaml_scalar(name) : NULL;
    snprintf(out, size, "%s", text && text[0] ? text : path);
    nas_yaml_free(doc);
    return NAS_OK;
}

nas_status cli_model_graph(nas_graph **graph, const nas_model *m, int32_t batch) {
    const char *text = nas_model_info_of(m)->network;
    size_t n = 0;
    while (text[n])
        n++;
    return nas_network_graph(graph, text, n, "the model's network", batch);
}

nas_status cli_data(nas_dataset **out, const char *path, const int32_t hwc[3], bool resize) {
    nas_data_options o = {
        .path = path, .height = hwc[0], .width = hwc[1], .channels = hwc[2], .exact = !resize};
    return nas_data_open(out, &o);
}

nas_status cli_limit(const nas_dataset *d, uint32_t images) {
    uint32_t there = nas_data_info_of(d)->n_train;
    return images <= there ? NAS_OK
                           : nas_fail(NAS_E_ARG, "%u training images are asked for, but %s has %u",
                                      images, nas_data_path(d), there);
}

nas_status cli_class_names(const char *const **names, const nas_dataset *d) {
    int32_t n = nas_data_info_of(d)->classes;
    const char **list = nas_calloc((size_t)n, sizeof *list);
    if (!list)
        return nas_fail_memory((size_t)n * sizeof *list);
    for (int32_t i = 0; i < n; i++)
        list[i] = nas_data_class_name(d, i);
    *names = list;
    return NAS_OK;
}

void cli_graph_io(const nas_graph *g, int32_t hwc[3], int32_t *classes) {
    const nas_shape *x = nas_graph_shape(g, nas_graph_find(g, "x"));
    for (int i = 0; i < 3; i++)
        hwc[i] = x->dim[i + 1];
    *classes = nas_graph_shape(g, nas_graph_output(g))->dim[1];
}
