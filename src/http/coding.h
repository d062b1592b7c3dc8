/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_HTTP_CODING_H
#define CONTINUUM_HTTP_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

/* Content codings (RFC 9110, section 8.4.1), for answers that are long enough to gain by one. */
enum coding { CODING_IDENTITY, CODING_GZIP };

/*
 * The coding that suits who sent this Accept-Encoding (RFC 9110, section 12.5.3); NULL: none was
 * sent. What cannot be read is passed over. Who allows nothing that we have gets identity: an
 * answer that may be refused is better than none.
 */
enum coding coding_choose(const char *accepted);

/* "gzip"; NULL for identity, which has no name on the wire. */
const char *coding_name(enum coding coding);

/* An encoder keeps less than 64 KiB, however long the content is. Any one thread at a time. */
struct encoder;

enum fault encoder_new(enum coding coding, struct encoder **ret); /* FAULT_MEMORY */
void encoder_free(struct encoder *encoder);                       /* takes NULL */

/* What is still to be encoded, and where it goes. */
struct encoder_work {
    const uint8_t *in;
    size_t in_length;
    uint8_t *out;
    size_t out_room;
};

/*
 * Goes on until `in` is through or `out` is full, and moves both ahead. `last`: nothing comes
 * behind `in`. True: with `last`, all of it is written, and the end.
 */
bool encoder_run(struct encoder *encoder, struct encoder_work *work, bool last);

#endif
