/* runtime/reader.h - threads that read images of a data set ahead of their use. */
#ifndef NAS_RUNTIME_READER_H
#define NAS_RUNTIME_READER_H

#include <nas/data.h>

typedef struct nas_reader nas_reader;

/* Starts reading images sequence[0 … n-1] of the data set, `chunk` at a time (the last chunk may be
 * shorter). The sequence is borrowed until nas_reader_free, which also stops a reader midway. */
nas_status nas_reader_create(nas_reader **out, const nas_dataset *data, const uint32_t *sequence,
                             uint32_t n, uint32_t chunk) NAS_MUST_USE;
void nas_reader_free(nas_reader *r);
/* The next chunk, in order: *images of H*W*C bytes each. Valid until the next call. A failure of a
 * thread to read an image is reported here. */
nas_status nas_reader_next(const uint8_t **bytes, uint32_t *images, nas_reader *r) NAS_MUST_USE;

#endif
