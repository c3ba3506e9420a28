/* tests/search/small_spaces.h - two spaces for the tests of strategies and stores. */
#ifndef NAS_TESTS_SMALL_SPACES_H
#define NAS_TESTS_SMALL_SPACES_H

/* 2 + 1 + 8 genes, of which the last six may be inactive. */
static const char toy_space[] =
    "name: toy\n"
    "input: [8, 8, 3]\n"
    "classes: 10\n"
    "net:\n"
    "  - conv: {out: {choose: [8, 16, 24, 32, 40, 48, 56, 64]}, kernel: {choose: [1, 3, 5, 7]}}\n"
    "  - stage:\n"
    "      name: s\n"
    "      repeat: {choose: [1, 2, 3, 4]}\n"
    "      block: {conv: {out: {choose: [8, 16, 24, 32, 40, 48]}, kernel: {choose: [1, 3, 5]}}}\n"
    "  - head: {pool: avg}\n";

/* Few enough networks to ask for all of them: 4 of one block and 16 of two. */
static const char tiny_space[] =
    "name: tiny\n"
    "input: [8, 8, 3]\n"
    "classes: 10\n"
    "net:\n"
    "  - stage:\n"
    "      name: s\n"
    "      repeat: {choose: [1, 2]}\n"
    "      block: {conv: {out: {choose: [8, 16]}, act: {choose: [relu, hswish]}}}\n"
    "  - head: {pool: avg}\n";

#endif
