/* include/nas/runtime.h - running graphs on OpenCL devices and on the reference: devices, executor,
 * training, evaluation, latency, checkpoints. The only module that knows OpenCL, and no OpenCL type
 * shows here.
 */
#ifndef NAS_RUNTIME_H
#define NAS_RUNTIME_H

#include <nas/data.h>
#include <nas/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- devices ------------------------------------------------------------------------------------ */

typedef struct nas_device_info {
    int32_t index;            /* number of the device over all platforms, from 0; -1: the reference */
    char name[128], platform[128], vendor[128], driver[64], version[64];
    char type[16];            /* "cpu", "gpu", "accelerator", "reference" */
    uint32_t compute_units, vector_width; /* native float vector */
    uint64_t memory_bytes, max_alloc_bytes, local_bytes;
    uint64_t cache_bytes;     /* of main memory; 0: the driver reports none */
    bool fp64, fp16;
    char pci[16];             /* address on the bus, "0000:65:00.0"; "": a CPU, or the driver does not say */
    char kernels[64];         /* which rows of the kernel table it gets: "cpu float8" */
} nas_device_info;

/* All devices of all platforms, without the reference. A platform without devices is normal.
 * *info is the caller's (nas_free). No OpenCL platform at all: E_DEVICE with what to install. */
nas_status nas_device_list(nas_device_info **info, uint32_t *n) NAS_MUST_USE;

typedef struct nas_device nas_device;
/* spec: "0", "1" … (index), "cpu", "gpu", "accelerator" (first of that type), a part of the name
 * (unique, letter case ignored), "ref" (plain C in double), or NULL / "auto": the first GPU, else
 * accelerator, else CPU. E_NOT_FOUND lists what is there. Behind it may stand
 *   .K/N           part K of N: a sub-device with its share of a CPU's compute units; on other devices,
 *                  and where the driver has no sub-devices, all of it with a queue of its own
 *   :binary=FILE   kernels from a program that was built elsewhere (docs/fpga.md), without a compiler
 *   :as=TYPE       kernels and work-groups of another type: cpu, gpu, accelerator (for checks)
 *   :hints=VENDOR  hints for compilers of FPGAs: none, intel, xilinx; chosen by the platform else
 * as in "0.1/2" and "acl:binary=kernels.aocx". */
nas_status nas_device_open(nas_device **out, const char *spec) NAS_MUST_USE;
void nas_device_close(nas_device *d);
const nas_device_info *nas_device_info_of(const nas_device *d);

/* Measured peaks of this device (multiply-add rate in FLOP/s, copy bandwidth in B/s), medians; a
 * second or two. 0 on the reference. */
nas_status nas_device_peak(double *flops, double *bytes_per_s, nas_device *d) NAS_MUST_USE;

/* Programs built from source, and taken from the disk cache, since the device was opened. PoCL keeps
 * kernels itself: there a program is built from source, which then compiles no kernel anew. */
void nas_device_builds(const nas_device *d, uint32_t *built, uint32_t *cached);

/* A cold start, in which a driver compiles kernels, writes two INFO lines to the log: that it does, and
 * when it is done. On a CPU other processes may compile as well. program: the path of one that, called
 * with the single word "compile-ahead", gives its standard input to nas_compile_listed; NULL (the
 * default): none. Set it before threads start. */
void nas_compile_helper_set(const char *program);
nas_status nas_compile_listed(FILE *f) NAS_MUST_USE;

/* Which kernel of several an op gets is chosen by the table of this device (a file in the cache folder),
 * by the type of the device where the table says nothing. Tuning fills the table: for every class of
 * sizes in the graph, each candidate is compared with the general kernel and timed. */
typedef struct nas_tuned {
    const char *op;
    char sizes[192], winner[16];   /* winner "own": the op's own kernels */
    double seconds, own_seconds;   /* a run by the winner, and by the op's own kernels */
    uint32_t tried, wrong;         /* candidates; those that failed or gave other results */
    bool known;                    /* it stood in the table already */
} nas_tuned;
typedef struct nas_tune_options {
    bool again;                    /* measure what is known, too */
    void (*tell)(void *ctx, const nas_tuned *t); /* may be NULL: called for every class */
    void *ctx;
    const volatile int *stop;      /* may be NULL */
} nas_tune_options;
nas_status nas_device_tune(nas_device *d, const nas_graph *g, const nas_tune_options *o) NAS_MUST_USE;
/* Appends the path of the table; false where nothing is kept. */
bool nas_device_tune_file(nas_text *path, nas_device *d);

/* How many networks like this one are best trained at once, each on part k of n (spec ".k/n"): more
 * than one only where the steps a second of all together were measured at least 5 % higher. A second or
 * two. */
nas_status nas_device_jobs_hint(uint32_t *jobs, const char *spec, const nas_graph *model, int32_t batch) NAS_MUST_USE;

/* How many such processes of their own are best, each on the whole device: 0 when nobody has kept it;
 * kept with the table of the device. */
uint32_t nas_device_jobs_known(nas_device *d, const nas_graph *model, int32_t batch);
void nas_device_jobs_keep(nas_device *d, const nas_graph *model, int32_t batch, uint32_t jobs);

/* All kernels as one binary of this device, for ":binary=FILE"; and the sources as an offline compiler
 * takes them, one file each with its includes put in, with options.txt: a file and its options a line. */
nas_status nas_device_save_binary(nas_device *d, const char *path) NAS_MUST_USE;
nas_status nas_device_save_sources(nas_device *d, const char *folder) NAS_MUST_USE;

/* ---- executor ------------------------------------------------------------------------------------- */

/* Runs one graph on one device: a memory plan and a flat list of launches. The graph is borrowed and
 * must live as long as the executor. */
typedef struct nas_exec nas_exec;

typedef struct nas_memory_plan {
    uint64_t leaf_bytes;       /* params, states, inputs */
    uint64_t activation_bytes; /* peak with reuse: the arena */
    uint64_t scratch_bytes;    /* what kernels need beside */
    uint64_t no_reuse_bytes;   /* activations if nothing were reused */
    uint64_t param_elements;   /* of the buffer of all params, gaps included: what an optimiser keeps moments of */
} nas_memory_plan;

/* What nas_exec_create would allocate for the same arguments; allocates nothing. keep: values that stay
 * readable. d NULL: in float32 for no device in particular, so without gaps, scratch and limits. */
nas_status nas_exec_plan(nas_memory_plan *out, nas_device *d, const nas_graph *g, const nas_value *keep, uint32_t n_keep,
                         const nas_value *together, uint32_t n_together) NAS_MUST_USE;

/* E_TOO_BIG, with both numbers, when the plan does not fit the device: before anything is allocated.
 * PARAM leaves lie one after the other in one buffer (those with decay first), values in `together`
 * (gradients, in the order of the params) in another of the same layout, so that an optimiser is one
 * launch. Leaves have no defined content until written or initialised. */
nas_status nas_exec_create(nas_exec **out, nas_device *d, const nas_graph *g, const nas_value *keep, uint32_t n_keep,
                           const nas_value *together, uint32_t n_together) NAS_MUST_USE;
void nas_exec_free(nas_exec *e);
nas_status nas_exec_init(nas_exec *e, uint64_t seed) NAS_MUST_USE; /* PARAM, STATE, CONSTANT leaves */
nas_status nas_exec_write(nas_exec *e, nas_value v, const float *src, size_t count) NAS_MUST_USE;
/* Fills the inputs for a measure of time: zeros could be a special case for a device. Between 0.5 and 1.5,
 * which will do as a variance too. */
nas_status nas_exec_noise(nas_exec *e) NAS_MUST_USE;
nas_status nas_exec_run(nas_exec *e) NAS_MUST_USE;                                       /* enqueues */
nas_status nas_exec_read(nas_exec *e, nas_value v, float *dst, size_t count) NAS_MUST_USE; /* waits */
nas_status nas_exec_wait(nas_exec *e) NAS_MUST_USE;
/* Seconds of each node in one run (0 for leaves and aliases), by events; n = nas_graph_count. A node takes
 * from the end of the one before it to its own end, so what starting it costs is in it. */
nas_status nas_exec_profile(nas_exec *e, double *seconds, uint32_t n) NAS_MUST_USE;

/* ---- training -------------------------------------------------------------------------------------- */

typedef enum nas_optimizer { NAS_SGD, NAS_ADAM, NAS_ADAMW } nas_optimizer;
typedef enum nas_schedule { NAS_COSINE, NAS_STEP, NAS_CONSTANT } nas_schedule;

typedef struct nas_train_config {
    int32_t epochs, batch;
    nas_optimizer optimizer;
    double lr;               /* peak learning rate */
    double momentum;         /* SGD */
    bool nesterov;           /* SGD */
    double beta1, beta2, eps; /* Adam, AdamW */
    double weight_decay;     /* L2 for SGD and Adam, decoupled for AdamW; never on norms and biases */
    nas_schedule schedule;
    double warmup_epochs;    /* linear from lr/steps, may be a fraction */
    double final_lr;         /* COSINE: share of lr at the end */
    double step_epochs, step_factor; /* STEP: lr *= factor every step_epochs */
    double clip_norm;        /* global gradient norm; 0: none */
    double label_smoothing;
    bool flip;               /* augmentation: mirror left-right with probability 1/2 */
    int32_t crop_pad;        /* random crop after zero padding by so many pixels; 0: none */
    int32_t cutout;          /* side of a square of mean grey; 0: none */
    uint64_t seed;
} nas_train_config;
/* Sensible defaults: AdamW, lr 2e-3, cosine, warm-up half an epoch, batch 128. */
nas_train_config nas_train_config_default(void);
/* E_ARG names the first setting that is out of its range (nas/train_keys.def) or does not go with
 * another: a warm-up longer than the training, Nesterov without momentum. */
nas_status nas_train_config_check(const nas_train_config *c) NAS_MUST_USE;
/* E_ARG when images of this size cannot be changed as it says. */
nas_status nas_train_config_fits(const nas_train_config *c, int32_t height, int32_t width) NAS_MUST_USE;
/* lr at `step` of `steps_per_epoch * epochs`. */
double nas_lr_at(const nas_train_config *c, int64_t step, int64_t steps_per_epoch);

typedef struct nas_eval_result {
    double accuracy, loss; /* accuracy in 0…1; loss: mean cross-entropy */
    uint32_t images;
} nas_eval_result;

typedef struct nas_progress { /* told to a callback about twice a second and at the end of an epoch */
    int32_t epoch, epochs;    /* epoch from 1 */
    int64_t image, images;    /* within the epoch */
    double loss, accuracy;    /* running, of the training images */
    double images_per_s;
} nas_progress;
typedef void (*nas_progress_fn)(void *ctx, const nas_progress *p);

typedef struct nas_trainer nas_trainer;
typedef struct nas_trainer_options {
    const nas_dataset *data;
    const uint32_t *train; /* indices; borrowed until nas_trainer_free */
    uint32_t n_train;
    nas_train_config config;
    float mean[4], std[4]; /* normalisation: (x/255 - mean) / std for each channel */
    nas_progress_fn progress; /* may be NULL */
    void *progress_ctx;
    const volatile int *stop; /* may be NULL: becomes non-zero to stop; calls return E_STOPPED */
    uint64_t resident_limit;  /* bytes of device memory that images may take; 0: a quarter of it */
} nas_trainer_options;

/* model: a model graph of search/ (any batch; it is rebatched). Borrowed only during the call.
 * E_TOO_BIG as nas_exec_create; E_SHAPE when data and network input differ. Images are kept on the
 * device when they fit, else reader threads stream them; both give the same result bit for bit. */
nas_status nas_trainer_create(nas_trainer **out, nas_device *d, const nas_graph *model, const nas_trainer_options *o) NAS_MUST_USE;
void nas_trainer_free(nas_trainer *t);
/* Peak device bytes it holds, images included. */
uint64_t nas_trainer_bytes(const nas_trainer *t);
int32_t nas_trainer_epochs_done(const nas_trainer *t);
/* Trains the next epoch. E_NAN when the loss is not finite (names the step). The last, incomplete
 * batch of an epoch is left out, unless the epoch has only that one. */
nas_status nas_trainer_epoch(nas_trainer *t, nas_eval_result *train) NAS_MUST_USE;
/* Accuracy with running statistics, without dropout, on any images of the data set. */
nas_status nas_trainer_evaluate(nas_eval_result *out, nas_trainer *t, const uint32_t *index, uint32_t n) NAS_MUST_USE;
/* Params and states by the names of the model graph. count: elements of that leaf. */
nas_status nas_trainer_read(float *out, nas_trainer *t, const char *leaf, size_t count) NAS_MUST_USE;

/* ---- model files: safetensors ----------------------------------------------------------------------- */

/* A trained model in one file: the tensors by name (float32), and in its metadata what is needed to
 * use it. Optimiser state and counters are there when it was saved to be resumed. */
typedef struct nas_model nas_model;
typedef struct nas_model_info {
    const char *network; /* the network file's text */
    int32_t classes, height, width, channels;
    float mean[4], std[4];
    double test_accuracy; /* -1: not tested */
    int32_t epochs_done;
} nas_model_info;
/* class_names: `classes` strings. network: text of the network file. test_accuracy: -1 for none.
 * resume: keep what nas_trainer_restore needs. Written atomically. */
nas_status nas_model_save(const char *path, nas_trainer *t, const char *network, const char *const *class_names, int32_t classes,
                          double test_accuracy, bool resume) NAS_MUST_USE;
/* Checks header, offsets and sizes. E_DATA names what is wrong. */
nas_status nas_model_open(nas_model **out, const char *path) NAS_MUST_USE;
void nas_model_free(nas_model *m);
const nas_model_info *nas_model_info_of(const nas_model *m);
const char *nas_model_class_name(const nas_model *m, int32_t label);
/* Sets params, states, optimiser, counters of a trainer that was created with the same network and
 * config: the next epoch is what it would have been without the stop, bit for bit. */
nas_status nas_trainer_restore(nas_trainer *t, const nas_model *m) NAS_MUST_USE;

/* ---- inference ---------------------------------------------------------------------------------------- */

/* model_graph: built from the model's network text. Folds batch norm, fuses, uploads. */
typedef struct nas_predictor nas_predictor;
nas_status nas_predictor_create(nas_predictor **out, nas_device *d, const nas_graph *model_graph, const nas_model *m, int32_t batch) NAS_MUST_USE;
void nas_predictor_free(nas_predictor *p);
/* images: n * H*W*C bytes; probability: n * classes, the caller's. */
nas_status nas_predictor_run(float *probability, nas_predictor *p, const uint8_t *images, uint32_t n) NAS_MUST_USE;
nas_status nas_predictor_evaluate(nas_eval_result *out, nas_predictor *p, const nas_dataset *d, const uint32_t *index, uint32_t n,
                                  const volatile int *stop) NAS_MUST_USE;

typedef struct nas_latency {
    double median_s, q1_s, q3_s; /* of one run over the batch, quartiles over the repeats */
    int32_t batch, repeats;
} nas_latency;
/* Latency of the inference form of a model graph with random weights: enqueue to result on the host,
 * warm-up, then repeats until 0.3 s and at least 7 are done (at most 200). */
nas_status nas_measure_latency(nas_latency *out, nas_device *d, const nas_graph *model, int32_t batch) NAS_MUST_USE;
/* Time of one training step (forward, backward, optimiser) at c->batch on noise, waited for; the batch
 * lies on the device already. Warm-up, then repeats until a second and at least 7 are done. */
nas_status nas_measure_training(nas_latency *out, nas_device *d, const nas_graph *model, const nas_train_config *c) NAS_MUST_USE;
/* How many of them a second, over so many seconds: for what others do on the device meanwhile. */
nas_status nas_measure_rate(double *steps_per_s, nas_device *d, const nas_graph *model, const nas_train_config *c, double seconds) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
