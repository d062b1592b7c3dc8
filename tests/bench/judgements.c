/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/common.h"
#include "bench/load.h"
#include "bench/sink.h"

/*
 * What members say of released patterns: verifications, each with two signatures that the
 * coordinator checks and half a credit that it pays, and votes. Each is one that nobody made
 * before: of the patterns that were sent first, by all members that did not contribute them.
 */
enum { JUDGED = 10000, JUDGES = MEMBERS - CONTRIBUTORS, MEASURED_S = 10 };

struct judgements {
    const struct corpus *corpus;
    struct request_bytes *verifications, *votes; /* JUDGED * JUDGES each */
};

static struct request_bytes verification_make(const struct corpus *corpus,
                                              const struct member *judge, const char *tag,
                                              const struct signing_key *read_key)
{
    uint8_t verifier[16];
    struct signature proof, signature;
    char verifier_text[B64_LENGTH(16) + 1], proof_text[B64_LENGTH(64) + 1];
    char signature_text[B64_LENGTH(64) + 1], path[128], body[512];
    bytes_random(verifier, sizeof verifier);
    b64_encode(verifier, sizeof verifier, verifier_text);
    const char *lines[] = {"cfed/v1/verify", corpus->coordinator_key, tag, verifier_text,
                           "confirm"};
    lines_sign(read_key, lines, sizeof lines / sizeof *lines, &proof);
    lines_sign(&judge->key, lines, sizeof lines / sizeof *lines, &signature);
    b64_encode(&proof, 64, proof_text);
    b64_encode(&signature, 64, signature_text);
    snprintf(path, sizeof path, "/v1/patterns/%s/verifications", tag);
    int length = snprintf(
        body, sizeof body,
        "{\"verdict\":\"confirm\",\"verifier\":\"%s\",\"proof\":\"%s\",\"signature\":\"%s\"}",
        verifier_text, proof_text, signature_text);
    return request_make(&(struct request_parts){.method = "POST",
                                                .path = path,
                                                .token = judge->token,
                                                .body = body,
                                                .body_length = (size_t)length});
}

static struct request_bytes vote_make(const struct member *judge, const char *tag)
{
    static const char body[] = "{\"quality\":\"high\"}";
    char path[128];
    snprintf(path, sizeof path, "/v1/patterns/%s/vote", tag);
    return request_make(&(struct request_parts){.method = "PUT",
                                                .path = path,
                                                .token = judge->token,
                                                .body = body,
                                                .body_length = sizeof body - 1});
}

/* All that is said of pattern `number`. */
static void pattern_judge(void *context, size_t number)
{
    const struct judgements *judgements = context;
    const struct corpus *corpus = judgements->corpus;
    struct record record;
    struct scalar coefficients[THRESHOLD_MAX];
    struct signing_key read_key;
    char tag[B64_LENGTH(32) + 1];
    corpus_record(corpus, number, &record, coefficients);
    record_verify_key(&corpus->keys, &coefficients[0], &read_key);
    b64_encode(&record.tag, 32, tag);
    for (size_t i = 0; i < JUDGES; i++) {
        /* The contributors are the CONTRIBUTORS that begin with that of the pattern's batch. */
        const struct member *judge =
            &corpus->members[(number / BATCH + CONTRIBUTORS + i) % MEMBERS];
        judgements->verifications[i * JUDGED + number] =
            verification_make(corpus, judge, tag, &read_key);
        judgements->votes[i * JUDGED + number] = vote_make(judge, tag);
    }
}

static void requests_run(uint16_t port, const struct request_bytes *requests, const char *expect,
                         struct load_result *ret)
{
    load_run(&(struct load_plan){.port = port,
                                 .connections = CONNECTIONS,
                                 .requests = requests,
                                 .request_count = JUDGED * JUDGES,
                                 .total = JUDGED * JUDGES,
                                 .seconds_max = MEASURED_S,
                                 .expect = expect},
             ret);
}

static void kind_measure(struct bench *bench, const struct request_bytes *requests,
                         const char *name, const char *expect)
{
    uint16_t sink_port = 0;
    struct load_result ceiling, result;
    struct cost cost = {0};
    struct sink *sink = sink_open(&sink_port);
    requests_run(sink_port, requests, NULL, &ceiling);
    sink_close(sink);
    cost_begin(bench, &cost);
    requests_run(bench->process.port, requests, expect, &result);
    cost_end(bench, &cost);
    const struct line lines[] = {
        {.name = name,
         .value = result.per_second,
         .unit = "requests/s",
         .ratio = result.per_second / ceiling.per_second,
         .ratio_to = "libmicrohttpd"},
        {.name = "p99", .value = result.p99_ms, .unit = "ms"},
        {.name = "the processors have time for",
         .value = cost_pace(&cost, (double)result.answered),
         .unit = "requests/s"},
        {.name = "daemon's processor time",
         .value = cost.daemon_s * 1e6 / (double)result.answered,
         .unit = "us/request"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct line line = lines[i];
        line.section = "Judgements with N released patterns";
        report_add(&bench->report, &line);
    }
}

void judgements_measure(struct bench *bench)
{
    const size_t count = JUDGED * JUDGES;
    struct judgements judgements = {.corpus = &bench->corpus};
    judgements.verifications = allocate(count, sizeof *judgements.verifications);
    judgements.votes = allocate(count, sizeof *judgements.votes);
    parallel_each(JUDGED, pattern_judge, &judgements);
    bench_start(bench, NO_RELEASE_S);
    kind_measure(bench, judgements.verifications, "paid verifications, 64 connections",
                 "\"credits_earned\":0.5");
    kind_measure(bench, judgements.votes, "votes, 64 connections", "\"quality\":\"high\"");
    process_stop(&bench->process);
    requests_free(judgements.verifications, count);
    requests_free(judgements.votes, count);
}
