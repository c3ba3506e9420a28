/* include/nas/energy.h - measured energy: the counters that a machine has for its processors and
 * cards. Their libraries are looked for when the program runs; none is linked.
 *
 * Sources, by the kind of device, the first that answers:
 *   NVIDIA card  nvml       libnvidia-ml.so.1: energy since the driver was loaded, else power
 *   AMD card     rocm_smi   librocm_smi64: energy counter
 *                amd hwmon  power1_average or power1_input below /sys/class/drm/cardN/device/hwmon
 *   Intel card   intel hwmon  energy1_input, likewise
 *                level_zero libze_loader.so.1: energy counter of the card
 *                rapl       where the card is part of the processor's package
 *   CPU          rapl       /sys/class/powercap/intel-rapl:N/energy_uj of every package and its memory;
 *                           AMD processors have it, too. Only root may read it since Linux 5.10.
 * For tests and unusual machines, environment variables name another root than /sys (CLNAS_SYSFS) and
 * other files for the libraries (CLNAS_NVML, CLNAS_ROCM_SMI, CLNAS_LEVEL_ZERO).
 */
#ifndef NAS_ENERGY_H
#define NAS_ENERGY_H

#include <nas/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nas_meter nas_meter;
/* The meter of a device. E_UNSUPPORTED: there is none that can be read; the line says why for each that
 * was tried. The info is not kept. */
nas_status nas_meter_open(nas_meter **out, const nas_device_info *device) NAS_MUST_USE;
void nas_meter_free(nas_meter *m);
const char *nas_meter_source(const nas_meter *m); /* "nvml", "rapl" ...: for measured(source) */

/* Counts from start to stop, reading every 20 ms meanwhile: power is summed up, and counters may wrap
 * at their range. E_DATA: a counter went backwards or cannot be read any more. */
nas_status nas_meter_start(nas_meter *m) NAS_MUST_USE;
nas_status nas_meter_stop(double *joules, double *seconds, nas_meter *m) NAS_MUST_USE;

typedef struct nas_energy {
    double joules;   /* of one run over the batch, all that the device draws: median of the repeats */
    double least, most; /* of the repeats */
    double idle_w;   /* at rest, before them */
    double busy_w;   /* while running */
    char source[32]; /* nas_meter_source */
    int32_t repeats;
} nas_energy;
/* Energy of the inference form of a model graph: rests a second, then runs for a second, three times.
 * seconds: of a repeat; 0: 1. Counters follow with a lag of up to 100 ms, so short ones mean little. */
nas_status nas_measure_energy(nas_energy *out, nas_device *d, const nas_graph *model, int32_t batch, double seconds) NAS_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
