/* runtime/reader.c - a ring of chunks that reader threads fill and one consumer takes in order. */
#include "reader.h"

#include <pthread.h>
#include <unistd.h>

enum { MAX_THREADS = 8, SLOTS_PER_THREAD = 2, ERROR_TEXT = 512 };

typedef struct slot {
    uint8_t *bytes;
    bool ready;
    nas_status status;
    char error[ERROR_TEXT]; /* error text is thread-local, so it travels by hand */
} slot;

/* Chunk b lives in slot b % n_slots; it may be filled once chunk b - n_slots was given back. */
struct nas_reader {
    const nas_dataset *data;
    const uint32_t *sequence;
    uint32_t n, chunk, n_chunks;
    size_t image_bytes;
    pthread_mutex_t lock;
    pthread_cond_t change;
    pthread_t thread[MAX_THREADS];
    uint32_t n_threads, n_slots;
    slot slot[MAX_THREADS * SLOTS_PER_THREAD];
    uint32_t next;  /* first chunk that no thread has taken */
    uint32_t given; /* chunks that the consumer got */
    uint32_t back;  /* chunks whose slots are free again */
    bool stop;
};

static uint32_t chunk_images(const nas_reader *r, uint32_t b) {
    uint32_t left = r->n - b * r->chunk;
    return left < r->chunk ? left : r->chunk;
}

static void fill(const nas_reader *r, uint32_t b, slot *s) {
    uint32_t images = chunk_images(r, b);
    s->status = NAS_OK;
    for (uint32_t i = 0; i < images && s->status == NAS_OK; i++)
        s->status = nas_data_image(s->bytes + i * r->image_bytes, r->data,
                                   r->sequence[(size_t)b * r->chunk + i]);
    if (s->status != NAS_OK)
        snprintf(s->error, sizeof s->error, "%s", nas_error_text());
}

static void *work(void *arg) {
    nas_reader *r = arg;
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (!r->stop && r->next < r->n_chunks && r->next >= r->back + r->n_slots)
            pthread_cond_wait(&r->change, &r->lock);
        if (r->stop || r->next >= r->n_chunks)
            break;
        uint32_t b = r->next++;
        slot *s = &r->slot[b % r->n_slots];
        pthread_mutex_unlock(&r->lock);
        fill(r, b, s);
        pthread_mutex_lock(&r->lock);
        s->ready = true;
        pthread_cond_broadcast(&r->change);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Images in memory are copied faster than any device takes them; files need decoding. */
static uint32_t wanted_threads(const nas_dataset *data, uint32_t n_chunks) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t n = nas_data_all(data) != NULL || cores < 1 ? 1 : (uint32_t)cores;
    n = n > MAX_THREADS ? MAX_THREADS : n;
    return n > n_chunks ? n_chunks : n;
}

nas_status nas_reader_create(nas_reader **out, const nas_dataset *data, const uint32_t *sequence,
                             uint32_t n, uint32_t chunk) {
    nas_status st = NAS_OK;
    const nas_data_info *info = nas_data_info_of(data);
    nas_reader *r = nas_calloc(1, sizeof *r);
    if (r == NULL)
        return nas_fail_memory(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->change, NULL);
    r->data = data;
    r->sequence = sequence;
    r->n = n;
    r->chunk = chunk;
    r->n_chunks = (n + chunk - 1) / chunk;
    r->image_bytes = (size_t)info->height * (size_t)info->width * (size_t)info->channels;
    uint32_t threads = wanted_threads(data, r->n_chunks);
    r->n_slots = threads * SLOTS_PER_THREAD;
    for (uint32_t i = 0; i < r->n_slots; i++) {
        r->slot[i].bytes = nas_malloc(r->image_bytes * chunk);
        if (r->slot[i].bytes == NULL)
            NAS_GO(nas_fail_memory(r->image_bytes * chunk));
    }
    while (r->n_threads < threads && pthread_create(&r->thread[r->n_threads], NULL, work, r) == 0)
        r->n_threads++;
    if (r->n_threads == 0 && threads > 0)
        NAS_GO(nas_fail(NAS_E_MEMORY, "no thread can be started to read images"));
    *out = r;
    r = NULL;
done:
    nas_reader_free(r);
    return st;
}

void nas_reader_free(nas_reader *r) {
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->change);
    pthread_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < r->n_threads; i++)
        pthread_join(r->thread[i], NULL);
    for (uint32_t i = 0; i < r->n_slots; i++)
        nas_free(r->slot[i].bytes);
    pthread_cond_destroy(&r->change);
    pthread_mutex_destroy(&r->lock);
    nas_free(r);
}

nas_status nas_reader_next(const uint8_t **bytes, uint32_t *images, nas_reader *r) {
    pthread_mutex_lock(&r->lock);
    if (r->back < r->given) {
        r->slot[r->back % r->n_slots].ready = false;
        r->back++;
        pthread_cond_broadcast(&r->change);
    }
    uint32_t b = r->given++;
    slot *s = &r->slot[b % r->n_slots];
    while (!s->ready)
        pthread_cond_wait(&r->change, &r->lock);
    pthread_mutex_unlock(&r->lock);
    if (s->status != NAS_OK)
        return nas_fail(s->status, "%s", s->error);
    *bytes = s->bytes;
    *images = chunk_images(r, b);
    return NAS_OK;
}
