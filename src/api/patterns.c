/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"
#include "api/published.h"
#include "domain/judgement.h"
#include "domain/query.h"
#include "util/clock.h"

enum { DATE_LENGTH = 10 };

json_t *published_encode(const struct published *published)
{
    const struct record *record = &published->record;
    const struct release_row *release = &published->release;
    char released_on[CLOCK_TEXT_LENGTH + 1];
    clock_format(release->released_at_s, released_on);
    int quality = judgements_quality(&release->judgements);
    return json_pack(
        "{s:o, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:o, s:s%}", "tag",
        json_b64(&record->tag, 32), "epoch", (int)record->epoch, "domain", record->domain,
        "commitments", json_b64(record->commitments, record->k * sizeof record->commitments[0]),
        "verify_key", json_b64(&record->verify_key, 32), "ciphertext",
        json_b64(record->ciphertext, record->ciphertext_length), "index",
        json_b64(record->index, INDEX_LENGTH), "secret", json_b64(&release->secret, 32),
        "confidence", json_hundredths(release->confidence), "contributor_count",
        (int)release->contributor_count, "verification_count", (int)release->judgements.confirmed,
        "refuted_count", (int)release->judgements.refuted, "quality",
        quality < 0 ? json_null() : json_hundredths((unsigned)quality), "released_on", released_on,
        (size_t)DATE_LENGTH);
}

/* ---- GET /v1/patterns/{tag} ---- */

static void lookup_answer(struct operation *operation, enum fault fault)
{
    const struct lookup *lookup = (const struct lookup *)operation;
    struct request *request = operation->context;
    if (fault)
        api_refuse(request, fault);
    else
        request_answer(request, 200, published_encode(&lookup->published));
}

void pattern_get_handle(struct request *request)
{
    struct tag tag;
    if (!api_tag(request, &tag))
        return;
    struct lookup *lookup = lookup_new(api_of(request)->coordinator);
    if (!lookup) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    lookup->operation.answer = lookup_answer;
    lookup->operation.context = request;
    api_refuse_unsubmitted(request, &lookup->operation,
                           lookup_submit(lookup, &tag, api_caller(request), api_now_s()), NULL);
}
