/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/common.h"
#include "bench/load.h"
#include "bench/sink.h"
#include "domain/contribution.h"
#include "store/database.h"

/*
 * What ingest is compared with, on the same machine and with the same bodies.
 *
 * Ceiling: the processor time of what cannot be left out, spread over all processors without a gap.
 *     a   libmicrohttpd takes the bodies and answers a constant; the load generator sends them
 *     b   jansson parses them; base64, tag, points and share are decoded and checked
 *     c   SQLite stores the rows, 1000 in a transaction, in a copy of the database with N patterns
 * Naive: c with one pattern a transaction, and nothing else.
 */

enum {
    PATTERNS = 20000, /* that are new to the database */
    SINK_REQUESTS = 40000,
    SINK_BULK_REQUESTS = 2000,
    TRANSACTION = 1000,
    FIRST_ID = 100000000, /* of rows that the daemon did not write */
    FIRST_MEMBER = 16
};

static const double naive_seconds = 4;

struct parts {
    double http_us, parse_us, store_us; /* a, b, c, a pattern */
};

/* a */
static double http_us(const struct batch *batch, size_t each)
{
    struct load_result result;
    uint16_t port = 0;
    struct sink *sink = sink_open(&port);
    struct load_plan plan = {.port = port,
                             .connections = CONNECTIONS,
                             .requests = batch->rounds[0],
                             .request_count = batch->count,
                             .total = each > 1 ? SINK_BULK_REQUESTS : SINK_REQUESTS,
                             .seconds_max = 10};
    double cpu_s = process_cpu_s();
    load_run(&plan, &result);
    cpu_s = process_cpu_s() - cpu_s;
    sink_close(sink);
    return cpu_s * 1e6 / (double)(result.answered * each);
}

static void b64_field(const json_t *pattern, const char *name, void *bytes, size_t length)
{
    const json_t *field = json_object_get(pattern, name);
    if (!b64_decode(json_string_value(field), json_string_length(field), bytes, length))
        fail("%s cannot be decoded", name);
}

static void offer_parse(const struct corpus *corpus, const json_t *pattern, struct offer *ret)
{
    struct record *record = &ret->record;
    const json_t *domain = json_object_get(pattern, "domain");
    record->epoch = corpus->epoch.number;
    record->k = corpus->epoch.k;
    record->domain_length = (uint8_t)json_string_length(domain);
    memcpy(record->domain, json_string_value(domain), record->domain_length);
    record->ciphertext_length =
        (uint16_t)(json_string_length(json_object_get(pattern, "ciphertext")) * 6 / 8);
    b64_field(pattern, "tag", &record->tag, 32);
    b64_field(pattern, "commitments", record->commitments, record->k * sizeof(struct point));
    b64_field(pattern, "verify_key", &record->verify_key, 32);
    b64_field(pattern, "ciphertext", record->ciphertext, record->ciphertext_length);
    b64_field(pattern, "index", record->index, sizeof record->index);
    b64_field(pattern, "share", &ret->share, 32);
    ret->confidence =
        (uint8_t)(json_number_value(json_object_get(pattern, "confidence")) * 100 + 0.5);
    offer_check(ret, &corpus->epoch.federation_id);
    if (ret->refusal)
        fail("a record is refused: %s", fault_title(ret->refusal));
}

/* b */
static double parse_us(const struct corpus *corpus, const struct batch *batch,
                       struct offer *ret_offers)
{
    size_t count = 0;
    double cpu_s = thread_cpu_s();
    for (size_t i = 0; i < batch->count; i++) {
        const struct request_bytes *request = &batch->rounds[0][i];
        const char *body = memmem(request->bytes, request->length, "\r\n\r\n", 4);
        size_t index, length = request->length - (size_t)(body + 4 - request->bytes);
        json_t *root = json_loadb(body + 4, length, JSON_REJECT_DUPLICATES, NULL), *pattern;
        json_array_foreach (json_object_get(root, "patterns"), index, pattern)
            offer_parse(corpus, pattern, &ret_offers[count++]);
        json_decref(root);
    }
    return (thread_cpu_s() - cpu_s) * 1e6 / (double)count;
}

static void check(enum fault fault, const struct database *database)
{
    if (fault)
        fail("the database refuses: %s", database_error(database));
}

/* Stores an offer as number `number` of those that the daemon did not write. */
static void offer_store(struct database *database, const struct offer *offer, uint32_t number)
{
    bool added = false;
    struct contribution_row row = {.instance = FIRST_MEMBER + number / BATCH % MEMBERS,
                                   .sequence = FIRST_ID + number,
                                   .pattern = FIRST_ID + number,
                                   .share = offer->share,
                                   .confidence = offer->confidence,
                                   .min_group = CONTRIBUTORS,
                                   .epsilon_milli = 2000,
                                   .accepted_at_s = 1};
    check(contribution_add(database, &offer->record, &row, &added), database);
    if (!added)
        fail("a row was there already");
}

/* c */
static double store_us(struct database *database, const struct offer *offers, uint32_t *number)
{
    double cpu_s = thread_cpu_s();
    for (size_t i = 0; i < PATTERNS; i++) {
        if (i % TRANSACTION == 0)
            check(database_begin(database), database);
        offer_store(database, &offers[i], (*number)++);
        if (i % TRANSACTION == TRANSACTION - 1)
            check(database_commit(database), database);
    }
    return (thread_cpu_s() - cpu_s) * 1e6 / PATTERNS;
}

/* Patterns a second, by the wall clock: this is mostly waiting for the disk. */
static double naive_per_second(struct database *database, const struct offer *offers,
                               uint32_t *number)
{
    size_t count = 0;
    double began_s = wall_s();
    for (; count < PATTERNS && wall_s() - began_s < naive_seconds; count++) {
        check(database_begin(database), database);
        offer_store(database, &offers[count], (*number)++);
        check(database_commit(database), database);
    }
    return (double)count / (wall_s() - began_s);
}

static void file_copy(const char *from, const char *to)
{
    struct stat status;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (in < 0 || out < 0 || fstat(in, &status) != 0)
        fail("cannot copy %s: %s", from, strerror(errno));
    for (off_t left = status.st_size; left > 0;) {
        ssize_t n = sendfile(out, in, NULL, (size_t)left);
        if (n <= 0)
            fail("cannot copy %s: %s", from, strerror(errno));
        left -= n;
    }
    fsync(out);
    close(in);
    close(out);
}

static void batch_for(struct bench *bench, size_t each, struct batch *ret)
{
    batch_make(&(struct batch_plan){.corpus = &bench->corpus,
                                    .first = bench->next_pattern,
                                    .patterns = PATTERNS,
                                    .each = each,
                                    .rounds = 1},
               ret);
}

static void ingest_report(struct bench *bench, const struct parts *bulk, const struct parts *single,
                          double naive)
{
    double bulk_us = bulk->http_us + bulk->parse_us + bulk->store_us;
    double single_us = single->http_us + single->parse_us + single->store_us;
    double ceiling = processors() * 1e6 / bulk_us, single_ceiling = processors() * 1e6 / single_us;
    const struct line lines[] = {
        {.name = "a: HTTP and load generator", .value = bulk->http_us, .unit = "us/pattern"},
        {.name = "b: parse and check", .value = bulk->parse_us, .unit = "us/pattern"},
        {.name = "c: store", .value = bulk->store_us, .unit = "us/pattern"},
        {.name = "ceiling of bulk ingest", .value = ceiling, .unit = "patterns/s"},
        {.name = "naive: a transaction a pattern, no HTTP", .value = naive, .unit = "patterns/s"},
        {.name = "bulk ingest of new patterns, N stored",
         .value = bench->bulk_end,
         .unit = "patterns/s",
         .ratio = bench->bulk_end / ceiling,
         .ratio_to = "ceiling",
         .wanted = ">= 40000, >= 0.6"},
        {.name = "the same",
         .value = bench->bulk_end,
         .unit = "patterns/s",
         .ratio = bench->bulk_end / naive,
         .ratio_to = "naive",
         .wanted = ">= 5"},
        {.name = "bulk ingest of new patterns, whole load",
         .value = bench->bulk_whole,
         .unit = "patterns/s",
         .ratio = bench->bulk_whole / ceiling,
         .ratio_to = "ceiling"},
        {.name = "bulk ingest of known patterns, whole load",
         .value = bench->bulk_known,
         .unit = "patterns/s",
         .ratio = bench->bulk_known / ceiling,
         .ratio_to = "ceiling"},
        {.name = "new patterns: the processors have time for",
         .value = bench->bulk_pace,
         .unit = "patterns/s",
         .ratio = bench->bulk_pace / ceiling,
         .ratio_to = "ceiling"},
        {.name = "daemon's processor time, new patterns",
         .value = bench->bulk_cpu_us,
         .unit = "us/pattern",
         .ratio = bench->bulk_cpu_us / bulk_us,
         .ratio_to = "a + b + c"},
        {.name = "one pattern a request: a + b + c", .value = single_us, .unit = "us/request"},
        {.name = "one pattern a request, 64 connections",
         .value = bench->single,
         .unit = "requests/s",
         .ratio = bench->single / single_ceiling,
         .ratio_to = "ceiling"},
        {.name = "the same",
         .value = bench->single,
         .unit = "requests/s",
         .ratio = bench->single / naive,
         .ratio_to = "naive"},
        {.name = "its p99", .value = bench->single_p99_ms, .unit = "ms"},
        {.name = "one a request: the processors have time for",
         .value = bench->single_pace,
         .unit = "requests/s",
         .ratio = bench->single_pace / single_ceiling,
         .ratio_to = "ceiling"},
        {.name = "daemon's processor time, one a request",
         .value = bench->single_cpu_us,
         .unit = "us/request",
         .ratio = bench->single_cpu_us / single_us,
         .ratio_to = "a + b + c"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct line line = lines[i];
        line.section = "Ingest";
        report_add(&bench->report, &line);
    }
}

void baseline_measure(struct bench *bench)
{
    char from[PATH_SIZE + 32], to[PATH_SIZE];
    struct batch batch, singles;
    struct parts bulk, single;
    struct database *database = NULL;
    struct why why = {""};
    uint32_t number = 0;
    struct offer *offers = allocate(PATTERNS, sizeof *offers);
    batch_for(bench, BATCH, &batch);
    batch_for(bench, 1, &singles);
    bulk.http_us = http_us(&batch, BATCH);
    single.http_us = http_us(&singles, 1);
    single.parse_us = parse_us(&bench->corpus, &singles, offers);
    bulk.parse_us = parse_us(&bench->corpus, &batch, offers);
    snprintf(from, sizeof from, "%s/continuum.db", bench->storage);
    snprintf(to, sizeof to, "%s/copy.db", bench->folder);
    file_copy(from, to);
    if (database_open(to, DATABASE_WRITER, &database, &why))
        fail("cannot open the copy: %s", why.text);
    single.store_us = bulk.store_us = store_us(database, offers, &number);
    double naive = naive_per_second(database, offers, &number);
    database_close(database);
    unlink(to);
    batch_done(&batch);
    batch_done(&singles);
    free(offers);
    ingest_report(bench, &bulk, &single, naive);
}
