/* runtime/model.h - what checkpoints and prediction share of a model file. */
#ifndef NAS_RUNTIME_MODEL_H
#define NAS_RUNTIME_MODEL_H

#include "json.h"
#include "safetensors.h"

#include <nas/runtime.h>

struct nas_model {
    nas_tensors tensors;
    nas_json *classes; /* a list of strings */
    nas_model_info info;
};

/* Keys of the metadata. A file without NAS_META_CONFIG was not saved to be resumed. */
#define NAS_META_FORMAT   "format"
#define NAS_META_NETWORK  "network"
#define NAS_META_CLASSES  "classes"
#define NAS_META_INPUT    "input" /* [H, W, C] */
#define NAS_META_MEAN     "mean"
#define NAS_META_STD      "std"
#define NAS_META_ACCURACY "test_accuracy"
#define NAS_META_EPOCHS   "epochs_done"
#define NAS_META_CONFIG   "config"
#define NAS_META_GRAPH    "graph_hash"   /* decimal, of the model graph */
#define NAS_META_IMAGES   "train_images" /* decimal, nas_split_hash of the training indices */

#endif
