/* tests/runtime/test_meter.c - meters on a made-up /sys and on made-up libraries of the vendors. */
#include <nas/energy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char root[300];

static void put(const char *path, const char *text) {
    char full[600], cut[600];
    snprintf(full, sizeof full, "%s/%s", root, path);
    snprintf(cut, sizeof cut, "%s", full);
    *strrchr(cut, '/') = 0;
    assert_int_equal(nas_dir_make(cut), NAS_OK);
    /* at once, as the kernel does: a reader sees the old number or the new one */
    assert_int_equal(nas_file_write(full, text, strlen(text)), NAS_OK);
}

static int fresh(void **state) {
    (void)state;
    static const char *const unset[] = {"CLNAS_NVML", "CLNAS_ROCM_SMI", "CLNAS_LEVEL_ZERO",
                                        "CLNAS_FAKE"};
    snprintf(root, sizeof root, "%s/tests/meter-XXXXXX", NAS_BINARY_DIR);
    assert_non_null(mkdtemp(root));
    setenv("CLNAS_SYSFS", root, 1);
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        unsetenv(unset[i]);
    /* whatever is installed on this machine is not asked */
    setenv("CLNAS_ROCM_SMI", "/nowhere/rocm_smi.so", 1);
    setenv("CLNAS_LEVEL_ZERO", "/nowhere/ze_loader.so", 1);
    return 0;
}

static nas_device_info device(const char *type, const char *vendor, const char *pci) {
    nas_device_info d = {.index = 0};
    snprintf(d.type, sizeof d.type, "%s", type);
    snprintf(d.vendor, sizeof d.vendor, "%s", vendor);
    snprintf(d.pci, sizeof d.pci, "%s", pci);
    snprintf(d.name, sizeof d.name, "a %s", type);
    return d;
}

static void a_moment(void) {
    nanosleep(&(struct timespec){0, 60000000}, NULL);
}

static nas_meter *open_meter(const nas_device_info *d, const char *source) {
    nas_meter *m = NULL;
    if (nas_meter_open(&m, d) != NAS_OK)
        fail_msg("%s", nas_error_text());
    assert_string_equal(nas_meter_source(m), source);
    return m;
}

/* Mean watts over a moment. */
static double watts(nas_meter *m) {
    double joules, seconds;
    assert_int_equal(nas_meter_start(m), NAS_OK);
    a_moment();
    assert_int_equal(nas_meter_stop(&joules, &seconds, m), NAS_OK);
    assert_true(seconds > 0.05);
    return joules / seconds;
}

static void fails(const nas_device_info *d, const char *says) {
    nas_meter *m = NULL;
    assert_int_equal(nas_meter_open(&m, d), NAS_E_UNSUPPORTED);
    if (!strstr(nas_error_text(), says))
        fail_msg("'%s' is not in '%s'", says, nas_error_text());
    assert_null(m);
}

/* ---- RAPL ---- */

static void put_rapl(void) {
    put("class/powercap/intel-rapl:0/name", "package-0\n");
    put("class/powercap/intel-rapl:0/energy_uj", "1000000\n");
    put("class/powercap/intel-rapl:0/max_energy_range_uj", "9000000\n");
    put("class/powercap/intel-rapl:0:0/name", "core\n"); /* is in the package already */
    put("class/powercap/intel-rapl:0:0/energy_uj", "1\n");
    put("class/powercap/intel-rapl:0:1/name", "dram\n");
    put("class/powercap/intel-rapl:0:1/energy_uj", "500000\n");
    put("class/powercap/intel-rapl:0:1/max_energy_range_uj", "9000000\n");
}

static void rapl_counts_packages_and_memory_over_a_wrap(void **state) {
    (void)state;
    nas_device_info d = device("cpu", "AuthenticAMD", "");
    double joules, seconds;
    put_rapl();
    nas_meter *m = open_meter(&d, "rapl");
    assert_int_equal(nas_meter_start(m), NAS_OK);
    put("class/powercap/intel-rapl:0/energy_uj", "8500000\n");
    a_moment();
    put("class/powercap/intel-rapl:0/energy_uj", "250000\n"); /* 0.5 J to the end, 0.25 J more */
    put("class/powercap/intel-rapl:0:0/energy_uj", "777777\n");
    put("class/powercap/intel-rapl:0:1/energy_uj", "600000\n");
    a_moment();
    assert_int_equal(nas_meter_stop(&joules, &seconds, m), NAS_OK);
    assert_float_equal(joules, 7.5 + 0.75 + 0.1, 1e-9);
    nas_meter_free(m);
}

static void counter_that_cannot_be_read_any_more_is_told(void **state) {
    (void)state;
    nas_device_info d = device("cpu", "GenuineIntel", "");
    double joules, seconds;
    put_rapl();
    nas_meter *m = open_meter(&d, "rapl");
    assert_int_equal(nas_meter_start(m), NAS_OK);
    put("class/powercap/intel-rapl:0/energy_uj", "nonsense\n");
    a_moment();
    assert_int_equal(nas_meter_stop(&joules, &seconds, m), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "energy_uj: 'nonsense' is no reading"));
    nas_meter_free(m);
}

static void counter_without_a_range_must_not_go_back(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "Intel(R) Corporation", "0000:4d:00.0");
    double joules, seconds;
    put("class/drm/card0/device/vendor", "0x8086\n");
    put("class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:4d:00.0\n");
    put("class/drm/card0/device/hwmon/hwmon3/energy1_input", "5000000\n");
    nas_meter *m = open_meter(&d, "intel hwmon");
    assert_int_equal(nas_meter_start(m), NAS_OK);
    put("class/drm/card0/device/hwmon/hwmon3/energy1_input", "4000000\n");
    a_moment();
    assert_int_equal(nas_meter_stop(&joules, &seconds, m), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "went back from 5 J to 4 J"));
    nas_meter_free(m);
}

static void machine_without_meters_says_why(void **state) {
    (void)state;
    nas_device_info d = device("cpu", "GenuineIntel", "");
    fails(&d, "has no RAPL packages");
    d = device("accelerator", "Xilinx", "");
    fails(&d, "no meter is known for a accelerator");
    if (geteuid() == 0)
        return; /* root reads everything */
    put_rapl();
    char path[500];
    snprintf(path, sizeof path, "%s/class/powercap/intel-rapl:0/energy_uj", root);
    assert_int_equal(chmod(path, 0), 0);
    d = device("cpu", "GenuineIntel", "");
    fails(&d, "only root may read it");
}

/* ---- hwmon ---- */

static void amd_card_is_found_by_its_address_and_its_power_summed(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "Advanced Micro Devices, Inc.", "0000:03:00.0");
    put("class/drm/card0/device/vendor", "0x1002\n");
    put("class/drm/card0/device/uevent", "PCI_SLOT_NAME=0000:43:00.0\n");
    put("class/drm/card0/device/hwmon/hwmon1/power1_average", "9000000\n");
    put("class/drm/card0-HDMI-A-1/device/vendor", "0x1002\n");
    put("class/drm/card1/device/vendor", "0x1002\n");
    put("class/drm/card1/device/uevent", "PCI_SLOT_NAME=0000:03:00.0\n");
    put("class/drm/card1/device/hwmon/hwmon2/power1_average", "75000000\n");
    nas_meter *m = open_meter(&d, "amd hwmon");
    assert_float_equal(watts(m), 75, 1e-6);
    nas_meter_free(m);
    d.pci[0] = 0;
    fails(&d, "has 2 such cards");
    d = device("gpu", "Advanced Micro Devices, Inc.", "0000:99:00.0");
    fails(&d, "no card of vendor 0x1002 at 0000:99:00.0");
}

/* ---- libraries ---- */

static void use(const char *variable, const char *fake) {
    char path[500];
    snprintf(path, sizeof path, "%s/tests/libfake_%s.so", NAS_BINARY_DIR, fake);
    setenv(variable, path, 1);
}

static void nvml_gives_energy_or_else_power(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "NVIDIA Corporation", "0000:65:00.0");
    use("CLNAS_NVML", "nvml");
    nas_meter *m = open_meter(&d, "nvml");
    assert_in_range((int)(watts(m) + 0.5), 180, 220); /* the counter moves on between readings */
    nas_meter_free(m);
    setenv("CLNAS_FAKE", "power", 1);
    m = open_meter(&d, "nvml");
    assert_float_equal(watts(m), 200, 1e-9);
    nas_meter_free(m);
    setenv("CLNAS_FAKE", "lost", 1);
    fails(&d, "neither energy nor power");
}

static void nvml_takes_no_card_for_another(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "NVIDIA Corporation", "0000:66:00.0");
    use("CLNAS_NVML", "nvml");
    fails(&d, "no card at 0000:66:00.0");
    d.pci[0] = 0;
    setenv("CLNAS_FAKE", "two", 1);
    fails(&d, "NVML has 2 cards");
    setenv("CLNAS_FAKE", "one", 1);
    nas_meter_free(open_meter(&d, "nvml"));
}

static void card_that_is_lost_while_it_counts_is_told(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "NVIDIA Corporation", "0000:65:00.0");
    double joules, seconds;
    use("CLNAS_NVML", "nvml");
    nas_meter *m = open_meter(&d, "nvml");
    assert_int_equal(nas_meter_start(m), NAS_OK);
    setenv("CLNAS_FAKE", "lost", 1);
    assert_int_equal(nas_meter_stop(&joules, &seconds, m), NAS_E_DATA);
    assert_non_null(strstr(nas_error_text(), "error 15"));
    nas_meter_free(m);
}

static void missing_library_is_told(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "NVIDIA Corporation", "0000:65:00.0");
    setenv("CLNAS_NVML", "/nowhere/libnvidia-ml.so", 1);
    fails(&d, "CLNAS_NVML: /nowhere/libnvidia-ml.so");
}

static void rocm_smi_counts_the_card_at_the_address(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "Advanced Micro Devices, Inc.", "0000:03:00.0");
    use("CLNAS_ROCM_SMI", "rocm_smi");
    nas_meter *m = open_meter(&d, "rocm_smi");
    assert_in_range((int)(watts(m) + 0.5), 135, 165);
    nas_meter_free(m);
}

static void level_zero_counts_the_card_at_the_address(void **state) {
    (void)state;
    nas_device_info d = device("gpu", "Intel(R) Corporation", "0000:4d:00.0");
    use("CLNAS_LEVEL_ZERO", "level_zero");
    nas_meter *m = open_meter(&d, "level_zero");
    assert_in_range((int)(watts(m) + 0.5), 108, 132);
    nas_meter_free(m);
    d = device("gpu", "Intel(R) Corporation", "0000:4e:00.0");
    fails(&d, "Level Zero has 0 cards at '0000:4e:00.0'");
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(rapl_counts_packages_and_memory_over_a_wrap),
        TEST(counter_that_cannot_be_read_any_more_is_told),
        TEST(counter_without_a_range_must_not_go_back),
        TEST(machine_without_meters_says_why),
        TEST(amd_card_is_found_by_its_address_and_its_power_summed),
        TEST(nvml_gives_energy_or_else_power),
        TEST(nvml_takes_no_card_for_another),
        TEST(card_that_is_lost_while_it_counts_is_told),
        TEST(missing_library_is_told),
        TEST(rocm_smi_counts_the_card_at_the_address),
        TEST(level_zero_counts_the_card_at_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
