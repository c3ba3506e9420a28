/* tests/core/test_file.c - files are replaced whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <nas/core.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "core_file_XXXXXX";

static const char *in_folder(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int entries(const char *path) {
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void assert_content(const char *path, const char *want) {
    char *got;
    size_t n;
    assert_int_equal(nas_file_read(&got, &n, path, 0), NAS_OK);
    assert_int_equal(n, strlen(want));
    assert_string_equal(got, want);
    nas_free(got);
}

static int make_folder(void **state) {
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int drop_folder(void **state) {
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void written_file_reads_back(void **state) {
    (void)state;
    const char *path = in_folder("a.txt");
    assert_int_equal(nas_file_write(path, "one", 3), NAS_OK);
    assert_content(path, "one");
    assert_int_equal(nas_file_write(path, "second", 6), NAS_OK);
    assert_content(path, "second");
    assert_int_equal(nas_file_write(path, "", 0), NAS_OK);
    assert_content(path, "");
    assert_int_equal(entries(folder), 1);
    assert_true(nas_file_exists(path) && !nas_dir_exists(path));
}

static void mode_and_symbolic_link_are_kept(void **state) {
    (void)state;
    char path[256], link[256];
    snprintf(path, sizeof path, "%s", in_folder("real"));
    snprintf(link, sizeof link, "%s", in_folder("link"));
    assert_int_equal(nas_file_write(path, "a", 1), NAS_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(symlink("real", link), 0);
    assert_int_equal(nas_file_write(link, "b", 1), NAS_OK);
    struct stat info;
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_content(path, "b");
}

static void link_to_nothing_stays_and_its_target_is_made(void **state) {
    (void)state;
    char link[256], second[256];
    struct stat info;
    snprintf(link, sizeof link, "%s", in_folder("link"));
    snprintf(second, sizeof second, "%s", in_folder("second"));
    assert_int_equal(nas_dir_make(in_folder("sub")), NAS_OK);
    assert_int_equal(symlink("second", link), 0);
    assert_int_equal(symlink("sub/new", second), 0);
    assert_int_equal(nas_file_write(link, "c", 1), NAS_OK);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(lstat(second, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content(in_folder("sub/new"), "c");
    assert_int_equal(symlink("round", in_folder("round")), 0);
    assert_int_equal(nas_file_write(in_folder("round"), "d", 1), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), "symbolic link"));
}

static void parts_are_written_one_behind_the_other(void **state) {
    (void)state;
    const nas_part part[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    assert_int_equal(nas_file_write_parts(in_folder("parts"), part, 3), NAS_OK);
    assert_content(in_folder("parts"), "abcde");
}

/* A size limit stands for a full disk: the write fails half-way, on any file system and as root. */
static void failed_write_keeps_the_old_file(void **state) {
    (void)state;
    const char *path = in_folder("kept");
    assert_int_equal(nas_file_write(path, "old", 3), NAS_OK);
    static char big[1 << 16];
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    nas_status st = nas_file_write(path, big, sizeof big);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(st, NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), path));
    assert_content(path, "old");
    assert_int_equal(entries(folder), 1);
}

static void full_device_says_no_space(void **state) {
    (void)state;
    if (!nas_file_exists("/dev/full"))
        skip();
    assert_int_equal(nas_file_write("/dev/full", "x", 1), NAS_E_IO);
    assert_string_equal(nas_error_text(), "/dev/full: cannot write: No space left on device");
}

static void device_is_written_and_not_replaced(void **state) {
    (void)state;
    assert_int_equal(nas_file_write("/dev/null", "x", 1), NAS_OK);
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void unwritable_places_are_named(void **state) {
    (void)state;
    const char *path = in_folder("none/below.txt");
    assert_int_equal(nas_file_write(path, "x", 1), NAS_E_IO);
    assert_non_null(strstr(nas_error_text(), path));
    assert_non_null(strstr(nas_error_text(), "No such file"));
    assert_int_equal(nas_file_write(folder, "x", 1), NAS_E_IO);
    assert_true(nas_dir_exists(folder));
    assert_int_equal(entries(folder), 0);
    if (geteuid() == 0)
        return; /* root writes into read-only folders */
    assert_int_equal(chmod(folder, 0500), 0);
    assert_int_equal(nas_file_write(in_folder("x"), "x", 1), NAS_E_IO);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void reading_is_bounded_and_names_the_path(void **state) {
    (void)state;
    char *bytes = NULL;
    size_t n;
    const char *path = in_folder("ten");
    assert_int_equal(nas_file_write(path, "0123456789", 10), NAS_OK);
    assert_int_equal(nas_file_read(&bytes, &n, path, 9), NAS_E_IO);
    assert_int_equal(nas_file_read(&bytes, &n, path, 10), NAS_OK);
    nas_free(bytes);
    bytes = NULL;
    assert_int_equal(nas_file_read(&bytes, &n, "/dev/zero", 100000), NAS_E_IO);
    assert_int_equal(nas_file_read(&bytes, &n, folder, 0), NAS_E_IO);
    assert_int_equal(nas_file_read(&bytes, &n, "no/such", 0), NAS_E_IO);
    assert_string_equal(nas_error_text(), "no/such: cannot open: No such file or directory");
    nas_alloc_fail_after(1);
    assert_int_equal(nas_file_read(&bytes, &n, path, 0), NAS_E_MEMORY);
    nas_alloc_fail_after(0);
    assert_null(bytes);
}

static void folders_are_made_with_their_parents(void **state) {
    (void)state;
    const char *path = in_folder("a/b//c/");
    assert_int_equal(nas_dir_make(path), NAS_OK);
    assert_true(nas_dir_exists(path));
    assert_int_equal(nas_dir_make(path), NAS_OK);
    assert_int_equal(nas_file_write(in_folder("a/f"), "x", 1), NAS_OK);
    assert_int_equal(nas_dir_make(in_folder("a/f/g")), NAS_E_IO);
    assert_int_equal(nas_dir_make(""), NAS_E_ARG);
    assert_int_equal(nas_dir_make("/"), NAS_OK);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(written_file_reads_back),
        IN_FOLDER(mode_and_symbolic_link_are_kept),
        IN_FOLDER(link_to_nothing_stays_and_its_target_is_made),
        IN_FOLDER(parts_are_written_one_behind_the_other),
        IN_FOLDER(failed_write_keeps_the_old_file),
        cmocka_unit_test(full_device_says_no_space),
        cmocka_unit_test(device_is_written_and_not_replaced),
        IN_FOLDER(unwritable_places_are_named),
        IN_FOLDER(reading_is_bounded_and_names_the_path),
        IN_FOLDER(folders_are_made_with_their_parents),
    };
    return cmocka_run_group_tests_name("core file", tests, NULL, NULL);
}
