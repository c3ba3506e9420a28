/* tests/install/outside.c - a program outside of the project: lists the built-in hardware. */
#include <nas/hw.h>
#include <nas/runtime.h>
#include <nas/space.h>
#include <nas/viz.h>

int main(void) {
    nas_hw *h = NULL;
    for (const char *const *name = nas_hw_names(); *name; name++) {
        if (nas_hw_open(&h, *name) != NAS_OK) {
            fprintf(stderr, "%s\n", nas_error_text());
            return 1;
        }
        printf("%s: %s\n", *name, nas_hw_info_of(h)->title);
        nas_hw_free(h);
    }
    return h == NULL;
}
