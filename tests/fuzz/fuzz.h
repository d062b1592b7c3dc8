/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_TESTS_FUZZ_H
#define CONTINUUM_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every fuzz target has in common: fuzz_X.c, with its committed corpus in corpus/X/. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A sentence about the code that must hold for every input. */
#define PROPERTY(condition) property_hold((condition), #condition, __FILE__, __LINE__)

static inline void property_hold(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

/* The bytes that were not taken yet. */
struct input {
    const uint8_t *bytes;
    size_t length;
};

/* Takes `length` bytes; zeros stand for those that are missing. */
static inline void input_take(struct input *input, void *ret, size_t length)
{
    size_t taken = length < input->length ? length : input->length;
    memset(ret, 0, length);
    if (taken)
        memcpy(ret, input->bytes, taken);
    input->bytes += taken;
    input->length -= taken;
}

static inline uint8_t input_byte(struct input *input)
{
    uint8_t byte;
    input_take(input, &byte, 1);
    return byte;
}

/*
 * Takes the rest as a text, up to its first NUL: the caller's, to be freed. It is no larger than
 * it must be, so that a sanitizer sees the first byte read beyond it.
 */
static inline char *input_text(struct input *input)
{
    size_t length = strnlen((const char *)input->bytes, input->length);
    char *text = malloc(length + 1);
    PROPERTY(text != NULL);
    memcpy(text, input->bytes, length);
    text[length] = '\0';
    input->bytes += input->length;
    input->length = 0;
    return text;
}

#endif
