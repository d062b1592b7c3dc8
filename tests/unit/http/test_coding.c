/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "crypto/bytes.h"
#include "http/coding.h"

static void the_coding_is_what_the_client_likes_best(void **state)
{
    static const struct {
        const char *accepted;
        enum coding coding;
    } cases[] = {
        {NULL, CODING_IDENTITY},
        {"", CODING_IDENTITY},
        {"gzip", CODING_GZIP},
        {"GZip", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
        {"deflate, gzip;q=1.0, *;q=0.5", CODING_GZIP},
        {" ,, gzip ; q=0.001 ,", CODING_GZIP},
        {"*", CODING_GZIP},
        {"br, *;q=0.1", CODING_GZIP},
        {"identity;q=0", CODING_IDENTITY},
        {"identity;q=0.5, gzip;q=0.5", CODING_GZIP},
        {"identity;q=0.6, gzip;q=0.5", CODING_IDENTITY},
        {"gzip;q=0", CODING_IDENTITY},
        {"gzip;q=0.000, *", CODING_IDENTITY},
        {"*;q=0", CODING_IDENTITY},
        {"br, zstd", CODING_IDENTITY},
        {"gzipped", CODING_IDENTITY},
        {"gzi", CODING_IDENTITY},
        {"gzip;q=1.001", CODING_IDENTITY},
        {"gzip;q=0.0001", CODING_IDENTITY},
        {"gzip;q=2", CODING_IDENTITY},
        {"gzip;q=", CODING_IDENTITY},
        {"gzip;q=-1", CODING_IDENTITY},
        {"gzip;quality=1", CODING_IDENTITY},
        {"gzip;q=1;x=2", CODING_IDENTITY},
        {"gzip q=1", CODING_IDENTITY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (coding_choose(cases[i].accepted) != cases[i].coding)
            fail_msg("%s", cases[i].accepted ? cases[i].accepted : "(none)");
    }
    assert_string_equal(coding_name(CODING_GZIP), "gzip");
    assert_null(coding_name(CODING_IDENTITY));
}

/* Encodes with rooms of `room` bytes; returns the length. */
static size_t encode(enum coding coding, const uint8_t *bytes, size_t length, size_t room,
                     uint8_t *ret)
{
    struct encoder *encoder = NULL;
    size_t made = 0;
    bool ended = false;
    assert_int_equal(encoder_new(coding, &encoder), FAULT_NONE);
    struct encoder_work work = {.in = bytes, .in_length = length / 2};
    while (work.in_length > 0) {
        work.out = ret + made;
        work.out_room = room;
        assert_false(encoder_run(encoder, &work, false));
        made += room - work.out_room;
    }
    work.in_length = length - length / 2;
    while (!ended) {
        work.out = ret + made;
        work.out_room = room;
        ended = encoder_run(encoder, &work, true);
        assert_true(ended || work.out_room == 0);
        made += room - work.out_room;
    }
    encoder_free(encoder);
    return made;
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    enum { LENGTH = 300000 };
    uint8_t *random = malloc(LENGTH), *coded = malloc(2 * LENGTH), *back = malloc(LENGTH);
    char *text = malloc(B64_LENGTH(LENGTH) + 1);
    (void)state;
    bytes_random(random, LENGTH);
    b64_encode(random, LENGTH / 2, text);
    size_t length = strlen(text);
    for (size_t room = 100; room < 100000; room *= 10) {
        size_t coded_length = encode(CODING_GZIP, (uint8_t *)text, length, room, coded);
        assert_true(coded_length < length * 78 / 100);
        z_stream inflater = {.next_in = coded,
                             .avail_in = (uInt)coded_length,
                             .next_out = back,
                             .avail_out = LENGTH};
        assert_int_equal(inflateInit2(&inflater, 15 + 16), Z_OK);
        assert_int_equal(inflate(&inflater, Z_FINISH), Z_STREAM_END);
        assert_int_equal(inflater.total_out, length);
        assert_memory_equal(back, text, length);
        inflateEnd(&inflater);
        assert_int_equal(encode(CODING_IDENTITY, random, LENGTH, room, coded), LENGTH);
        assert_memory_equal(coded, random, LENGTH);
    }
    free(random);
    free(coded);
    free(back);
    free(text);
}

static void nothing_encodes_to_something_that_decodes_to_nothing(void **state)
{
    uint8_t coded[64], back[1];
    (void)state;
    assert_int_equal(encode(CODING_IDENTITY, NULL, 0, sizeof coded, coded), 0);
    size_t length = encode(CODING_GZIP, NULL, 0, sizeof coded, coded);
    z_stream inflater = {
        .next_in = coded, .avail_in = (uInt)length, .next_out = back, .avail_out = 1};
    assert_int_equal(inflateInit2(&inflater, 15 + 16), Z_OK);
    assert_int_equal(inflate(&inflater, Z_FINISH), Z_STREAM_END);
    assert_int_equal(inflater.total_out, 0);
    inflateEnd(&inflater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_coding_is_what_the_client_likes_best),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(nothing_encodes_to_something_that_decodes_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
