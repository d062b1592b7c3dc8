/* SPDX-License-Identifier: Apache-2.0 */
#include "http/coding.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "util/cleanup.h"

/*
 * Records are base64 of random bytes: Huffman codes gain the quarter that there is to gain, and a
 * search for repetitions finds little beyond the names of members, which are near. So the lowest
 * level and a small window lose nothing.
 */
enum { LEVEL = 1, WINDOW_BITS = 12, GZIP_WRAPPER = 16, MEMORY_LEVEL = 6 };

enum { QUALITY_FULL = 1000, QUALITY_UNSAID = -1 };

/* What an Accept-Encoding says of each, in thousandths. */
enum accepted { ACCEPTED_GZIP, ACCEPTED_IDENTITY, ACCEPTED_ANY, ACCEPTED_COUNT };

static const struct {
    const char *name;
    enum accepted accepted;
} names[] = {
    {"*", ACCEPTED_ANY},
    {"gzip", ACCEPTED_GZIP},
    {"identity", ACCEPTED_IDENTITY},
    {"x-gzip", ACCEPTED_GZIP},
};

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* "0", "0.25", "1.000": at most three decimals, at most 1. NULL: it is none. */
static const char *quality_parse(const char *text, int *ret)
{
    if (*text != '0' && *text != '1')
        return NULL;
    int quality = *text++ == '1' ? QUALITY_FULL : 0;
    if (*text == '.') {
        text++;
        for (int unit = QUALITY_FULL / 10; unit > 0 && *text >= '0' && *text <= '9'; unit /= 10)
            quality += (*text++ - '0') * unit;
    }
    if (quality > QUALITY_FULL)
        return NULL;
    *ret = quality;
    return text;
}

/* What may stand behind a name: a weight, and then nothing. QUALITY_UNSAID: something else. */
static int weight_parse(const char *text, const char *end)
{
    int quality = QUALITY_FULL;
    text = skip_blanks(text);
    if (text == end)
        return quality;
    if (*text != ';')
        return QUALITY_UNSAID;
    text = skip_blanks(text + 1);
    if ((*text != 'q' && *text != 'Q') || text[1] != '=')
        return QUALITY_UNSAID;
    text = quality_parse(text + 2, &quality);
    return text && skip_blanks(text) == end ? quality : QUALITY_UNSAID;
}

static void element_parse(const char *text, const char *end, int quality[ACCEPTED_COUNT])
{
    size_t length = strcspn(text, " \t;,");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != length || strncasecmp(text, names[i].name, length) != 0)
            continue;
        int weight = weight_parse(text + length, end);
        if (weight != QUALITY_UNSAID)
            quality[names[i].accepted] = weight;
    }
}

enum coding coding_choose(const char *accepted)
{
    int quality[ACCEPTED_COUNT] = {QUALITY_UNSAID, QUALITY_UNSAID, QUALITY_UNSAID};
    while (accepted && *accepted) {
        accepted += strspn(accepted, " \t,");
        const char *end = accepted + strcspn(accepted, ",");
        element_parse(accepted, end, quality);
        accepted = end;
    }
    int gzip = quality[ACCEPTED_GZIP];
    if (gzip == QUALITY_UNSAID)
        gzip = quality[ACCEPTED_ANY];
    return gzip > 0 && gzip >= quality[ACCEPTED_IDENTITY] ? CODING_GZIP : CODING_IDENTITY;
}

const char *coding_name(enum coding coding)
{
    return coding == CODING_GZIP ? "gzip" : NULL;
}

struct encoder {
    enum coding coding;
    z_stream deflate;
};

enum fault encoder_new(enum coding coding, struct encoder **ret)
{
    struct encoder *encoder = calloc(1, sizeof *encoder);
    if (!encoder)
        return FAULT_MEMORY;
    encoder->coding = coding;
    if (coding == CODING_GZIP &&
        deflateInit2(&encoder->deflate, LEVEL, Z_DEFLATED, WINDOW_BITS + GZIP_WRAPPER, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(encoder);
        return FAULT_MEMORY;
    }
    *ret = encoder;
    return FAULT_NONE;
}

void encoder_free(struct encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->coding == CODING_GZIP)
        deflateEnd(&encoder->deflate);
    free(encoder);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void work_advance(struct encoder_work *work, size_t taken, size_t made)
{
    work->in += taken;
    work->in_length -= taken;
    work->out += made;
    work->out_room -= made;
}

static bool deflate_run(struct encoder *encoder, struct encoder_work *work, bool last)
{
    z_stream *stream = &encoder->deflate;
    uInt in_length = (uInt)smaller(work->in_length, INT_MAX);
    uInt out_room = (uInt)smaller(work->out_room, INT_MAX);
    stream->next_in = (z_const Bytef *)(uintptr_t)work->in;
    stream->avail_in = in_length;
    stream->next_out = work->out;
    stream->avail_out = out_room;
    int result = deflate(stream, last && in_length == work->in_length ? Z_FINISH : Z_NO_FLUSH);
    work_advance(work, in_length - stream->avail_in, out_room - stream->avail_out);
    return result == Z_STREAM_END;
}

bool encoder_run(struct encoder *encoder, struct encoder_work *work, bool last)
{
    if (encoder->coding == CODING_GZIP)
        return deflate_run(encoder, work, last);
    size_t length = smaller(work->in_length, work->out_room);
    if (length > 0)
        memcpy(work->out, work->in, length);
    work_advance(work, length, length);
    return last && work->in_length == 0;
}
