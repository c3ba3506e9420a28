/* runtime/device_spec.h - what a user writes to name a device: "1", "gpu.1/2:binary=FILE". */
#ifndef NAS_RUNTIME_DEVICE_SPEC_H
#define NAS_RUNTIME_DEVICE_SPEC_H

#include "device.h"

typedef struct device_spec {
    char name[128];
    uint32_t part, parts;                /* from 1; 1 of 1: the whole device */
    char binary[512], as[16], hints[16]; /* "": not said */
} device_spec;

nas_status device_spec_read(device_spec *out, const char *text) NAS_MUST_USE;
/* Its text again, into the caller's buffer; fails when that is too small. */
nas_status device_spec_write(char *out, size_t cap, const device_spec *s) NAS_MUST_USE;

#endif
