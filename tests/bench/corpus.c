/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/common.h"
#include "crypto/hash.h"
#include "util/clock.h"

enum { TERM_SIZE = 16, DOMAINS = 20 };

static const uint8_t seed[32] = "continuum-bench";

/* ---- The federation ---- */

static const char *member_string(const json_t *root, const char *name)
{
    const char *text = json_string_value(json_object_get(root, name));
    if (!text)
        fail("an answer without %s", name);
    return text;
}

static void federation_read(struct corpus *corpus, const json_t *federation)
{
    const json_t *epoch = json_object_get(federation, "epoch");
    const char *id = member_string(federation, "federation_id");
    struct epoch_parameters *parameters = &corpus->epoch;
    snprintf(corpus->coordinator_key, sizeof corpus->coordinator_key, "%s",
             member_string(federation, "coordinator_key"));
    parameters->number = (uint32_t)json_integer_value(json_object_get(epoch, "number"));
    parameters->k = (uint8_t)json_integer_value(json_object_get(epoch, "k"));
    parameters->token_bits = (uint8_t)json_integer_value(json_object_get(epoch, "token_bits"));
    if (!b64_decode(id, strlen(id), &parameters->federation_id, 16) ||
        parameters->k != CONTRIBUTORS)
        fail("this is not the federation that was asked for");
}

void corpus_join(const struct corpus *corpus, struct member *member, uint16_t port)
{
    static const char level[] = "extensive", mode[] = "open", key_check[] = "AAAAAAAAAAA";
    struct signature signature;
    uint8_t random[32];
    char public_key[B64_LENGTH(32) + 1], nonce[B64_LENGTH(16) + 1], proof[B64_LENGTH(64) + 1];
    char timestamp[CLOCK_TEXT_LENGTH + 1], body[1024];
    bytes_random(random, sizeof random);
    signing_key_from_seed(random, &member->key);
    share_abscissa(&corpus->epoch.federation_id, &member->key.public, &member->x);
    bytes_random(random, sizeof random);
    b64_encode(random, 16, nonce);
    b64_encode(&member->key.public, 32, public_key);
    clock_format(clock_now_s(), timestamp);
    const char *lines[] = {
        "cfed/v1/join", corpus->coordinator_key, public_key, key_check, level, mode, "", timestamp,
        nonce};
    lines_sign(&member->key, lines, sizeof lines / sizeof *lines, &signature);
    b64_encode(&signature, 64, proof);
    int length = snprintf(body, sizeof body,
                          "{\"public_key\":\"%s\",\"key_check\":\"%s\",\"contribution_level\":"
                          "\"%s\",\"privacy_mode\":\"%s\",\"timestamp\":\"%s\",\"nonce\":\"%s\","
                          "\"signature\":\"%s\"}",
                          public_key, key_check, level, mode, timestamp, nonce, proof);
    json_t *answer = exchange_json(port, &(struct request_parts){.method = "POST",
                                                                 .path = "/v1/instances",
                                                                 .body = body,
                                                                 .body_length = (size_t)length});
    snprintf(member->id, sizeof member->id, "%s", member_string(answer, "instance_id"));
    snprintf(member->token, sizeof member->token, "%s", member_string(answer, "token"));
    json_decref(answer);
}

static void vocabulary_make(struct corpus *corpus)
{
    double sum = 0;
    corpus->tokens = allocate(VOCABULARY, sizeof *corpus->tokens);
    corpus->shares = allocate(VOCABULARY, sizeof *corpus->shares);
    for (uint32_t i = 0; i < VOCABULARY; i++) {
        char term[TERM_SIZE];
        int length = snprintf(term, sizeof term, "term%u", i);
        corpus->tokens[i] =
            token_of_term(&corpus->keys, corpus->epoch.token_bits, term, (size_t)length);
        corpus->shares[i] = sum += 1.0 / (i + 1);
    }
    for (uint32_t i = 0; i < VOCABULARY; i++)
        corpus->shares[i] /= sum;
}

void corpus_open(struct corpus *corpus, uint16_t port)
{
    json_t *federation =
        exchange_json(port, &(struct request_parts){.method = "GET", .path = "/v1/federation"});
    federation_read(corpus, federation);
    federation_keys_derive(seed, &corpus->keys);
    for (size_t i = 0; i < MEMBERS; i++)
        corpus_join(corpus, &corpus->members[i], port);
    json_decref(federation);
    vocabulary_make(corpus);
}

void corpus_move(struct corpus *corpus, const json_t *federation)
{
    federation_read(corpus, federation);
}

void corpus_close(struct corpus *corpus)
{
    free(corpus->tokens);
    free(corpus->shares);
}

/* ---- Patterns ---- */

static uint32_t term_draw(const struct corpus *corpus, uint64_t *random)
{
    double where = (double)(random_next(random) >> 11) / (double)(1ULL << 53);
    uint32_t low = 0, high = VOCABULARY - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (corpus->shares[middle] <= where)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void corpus_draw(const struct corpus *corpus, uint64_t *random, size_t count, uint32_t *ret_terms)
{
    for (size_t drawn = 0; drawn < count;) {
        uint32_t term = term_draw(corpus, random);
        size_t same = 0;
        while (same < drawn && ret_terms[same] != term)
            same++;
        if (same == drawn)
            ret_terms[drawn++] = term;
    }
}

/* A domain of one of a few names, and a summary of the terms. */
static size_t pattern_write(uint64_t number, const uint32_t *terms, char *ret, size_t size)
{
    int length = snprintf(ret, size, "domain-%u\n", (unsigned)(number % DOMAINS));
    for (size_t i = 0; i < TERMS_EACH; i++)
        length += snprintf(ret + length, size - (size_t)length, "%sterm%u", i ? " " : "", terms[i]);
    return (size_t)length;
}

void corpus_record(const struct corpus *corpus, uint64_t number, struct record *ret,
                   struct scalar ret_coefficients[THRESHOLD_MAX])
{
    uint64_t random = number;
    uint32_t terms[TERMS_EACH], tokens[TERMS_EACH];
    uint8_t plaintext[INDEX_PLAINTEXT_LENGTH];
    char m[SUMMARY_LENGTH_MAX];
    struct oprf_output output;
    corpus_draw(corpus, &random, TERMS_EACH, terms);
    for (size_t i = 0; i < TERMS_EACH; i++)
        tokens[i] = corpus->tokens[terms[i]];
    index_plaintext_encode(tokens, TERMS_EACH, plaintext);
    size_t m_length = pattern_write(number, terms, m, sizeof m);
    hash_once(seed, sizeof seed, "continuum-bench", &number, sizeof number, output.bytes,
              sizeof output.bytes);
    if (record_make(&corpus->keys, &corpus->epoch, m, m_length, plaintext, &output, ret,
                    ret_coefficients))
        fail("cannot make a record");
}

/* ---- Requests ---- */

enum { RECORD_TEXT_MAX = 1024, BODY_HEAD_MAX = 64 };

static char *text_add(char *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

static char *b64_add(char *to, const char *name, const void *bytes, size_t length)
{
    to = text_add(to, name);
    b64_encode(bytes, length, to);
    return to + B64_LENGTH(length);
}

static char *record_add(char *to, const struct record *record, const struct scalar *share,
                        unsigned confidence)
{
    to = b64_add(to, "{\"tag\":\"", &record->tag, 32);
    to = text_add(to, "\",\"domain\":\"");
    to = text_add(to, record->domain);
    to =
        b64_add(to, "\",\"commitments\":\"", record->commitments, record->k * sizeof(struct point));
    to = b64_add(to, "\",\"verify_key\":\"", &record->verify_key, 32);
    to = b64_add(to, "\",\"ciphertext\":\"", record->ciphertext, record->ciphertext_length);
    to = b64_add(to, "\",\"index\":\"", record->index, sizeof record->index);
    to = b64_add(to, "\",\"share\":\"", share, 32);
    to = text_add(to, "\",\"confidence\":0.");
    *to++ = (char)('0' + confidence / 10);
    *to++ = (char)('0' + confidence % 10);
    return text_add(to, "}");
}

struct request_bytes corpus_contribution(const struct corpus *corpus, uint64_t number,
                                         const struct member *member)
{
    char body[RECORD_TEXT_MAX + 2 * BODY_HEAD_MAX];
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX], share;
    corpus_record(corpus, number, &record, coefficients);
    share_evaluate(coefficients, record.k, &member->x, &share);
    char *end =
        body + snprintf(body, BODY_HEAD_MAX, "{\"epoch\":%u,\"patterns\":[", corpus->epoch.number);
    end = text_add(record_add(end, &record, &share, 80), "]}");
    return request_make(&(struct request_parts){.method = "POST",
                                                .path = "/v1/contributions",
                                                .token = member->token,
                                                .body = body,
                                                .body_length = (size_t)(end - body)});
}

void corpus_tokens(const struct corpus *corpus, uint64_t number, uint32_t ret[TERMS_EACH])
{
    uint64_t random = number;
    corpus_draw(corpus, &random, TERMS_EACH, ret);
    for (size_t i = 0; i < TERMS_EACH; i++)
        ret[i] = corpus->tokens[ret[i]];
}

struct batch_work {
    const struct batch_plan *plan;
    struct batch *batch;
};

/* The requests number `index` of all rounds. */
static void requests_make(void *context, size_t index)
{
    const struct batch_work *work = context;
    const struct batch_plan *plan = work->plan;
    const struct corpus *corpus = plan->corpus;
    char *bodies[CONTRIBUTORS], *ends[CONTRIBUTORS];
    for (size_t round = 0; round < plan->rounds; round++) {
        bodies[round] = allocate(1, plan->each * RECORD_TEXT_MAX + BODY_HEAD_MAX);
        ends[round] =
            bodies[round] + snprintf(bodies[round], BODY_HEAD_MAX, "{\"epoch\":%u,\"patterns\":[",
                                     corpus->epoch.number);
    }
    for (size_t i = 0; i < plan->each; i++) {
        struct record record;
        struct scalar coefficients[THRESHOLD_MAX], share;
        uint64_t number = plan->first + index * plan->each + i;
        corpus_record(corpus, number, &record, coefficients);
        for (size_t round = 0; round < plan->rounds; round++) {
            const struct member *member = &corpus->members[(index + round) % MEMBERS];
            share_evaluate(coefficients, record.k, &member->x, &share);
            ends[round] = text_add(ends[round], i ? "," : "");
            ends[round] = record_add(ends[round], &record, &share, 50 + (unsigned)(number % 40));
        }
    }
    for (size_t round = 0; round < plan->rounds; round++) {
        ends[round] = text_add(ends[round], "]}");
        work->batch->rounds[round][index] = request_make(
            &(struct request_parts){.method = "POST",
                                    .path = "/v1/contributions",
                                    .token = corpus->members[(index + round) % MEMBERS].token,
                                    .body = bodies[round],
                                    .body_length = (size_t)(ends[round] - bodies[round])});
        free(bodies[round]);
    }
}

void batch_make(const struct batch_plan *plan, struct batch *ret)
{
    struct batch_work work = {.plan = plan, .batch = ret};
    *ret = (struct batch){.count = plan->patterns / plan->each};
    for (size_t round = 0; round < plan->rounds; round++)
        ret->rounds[round] = allocate(ret->count, sizeof *ret->rounds[round]);
    parallel_each(ret->count, requests_make, &work);
}

void requests_free(struct request_bytes *requests, size_t count)
{
    for (size_t i = 0; requests && i < count; i++)
        free(requests[i].bytes);
    free(requests);
}

void batch_done(struct batch *batch)
{
    for (size_t round = 0; round < CONTRIBUTORS; round++)
        requests_free(batch->rounds[round], batch->count);
}

static int tokens_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

void corpus_query(const struct corpus *corpus, uint64_t number, uint32_t ret_tokens[QUERY_TERMS])
{
    uint64_t random = ~number; /* not a pattern's */
    corpus_draw(corpus, &random, QUERY_TERMS, ret_tokens);
    for (size_t i = 0; i < QUERY_TERMS; i++)
        ret_tokens[i] = corpus->tokens[ret_tokens[i]];
    qsort(ret_tokens, QUERY_TERMS, sizeof *ret_tokens, tokens_compare);
}

struct request_bytes *queries_make(const struct corpus *corpus, size_t count)
{
    struct request_bytes *requests = allocate(count, sizeof *requests);
    for (size_t i = 0; i < count; i++) {
        char body[256];
        uint32_t tokens[QUERY_TERMS];
        corpus_query(corpus, i, tokens);
        int length = snprintf(body, sizeof body,
                              "{\"terms\":[%u,%u,%u,%u,%u,%u],\"max_results\":%d}", tokens[0],
                              tokens[1], tokens[2], tokens[3], tokens[4], tokens[5], QUERY_RESULTS);
        requests[i] =
            request_make(&(struct request_parts){.method = "POST",
                                                 .path = "/v1/queries",
                                                 .token = corpus->members[i % MEMBERS].token,
                                                 .body = body,
                                                 .body_length = (size_t)length});
    }
    return requests;
}
