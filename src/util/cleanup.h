/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_UTIL_CLEANUP_H
#define CONTINUUM_UTIL_CLEANUP_H

/*
 * Scope-bound ownership (GCC and clang's cleanup attribute).
 *
 *     _cleanup_(buffer_done) struct buffer text = {0};
 *
 * calls buffer_done(&text) when `text` goes out of scope, on every path. Always initialise where
 * you declare. A constructor builds in a cleanup local and hands it on with `*ret = TAKE(local)`.
 */
#define _cleanup_(function) __attribute__((cleanup(function)))

/* The value of pointer `p`, which becomes NULL: ownership moves to whoever takes the value. */
#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) *take_from_ = &(p);                                                          \
        __typeof__(p) taken_ = *take_from_;                                                        \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

/* For `_cleanup_(free_pointer) char *text = NULL;`: frees what the pointer points to. */
void free_pointer(void *pointer_to_pointer);

#endif
