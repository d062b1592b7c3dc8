/* SPDX-License-Identifier: Apache-2.0 */
#include "api/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "domain/download.h"
#include "store/keyring.h"

#define SETS_PATH "/v1/sets/"

enum fault set_cursor_owner(struct request *request, const char *domain, struct cursor_owner *ret)
{
    size_t size = sizeof SETS_PATH + strlen(domain);
    char *path = arena_alloc(&request->arena, size);
    if (!path)
        return FAULT_MEMORY;
    snprintf(path, size, SETS_PATH "%s", domain);
    *ret = (struct cursor_owner){request->caller, path};
    return FAULT_NONE;
}

/* ---- GET /v1/sets ---- */

static json_t *set_encode(const struct set_row *set, struct credits price)
{
    return json_pack("{s:s, s:I, s:I, s:o, s:o}", "domain", set->domain, "patterns",
                     (json_int_t)set->patterns, "bytes", (json_int_t)set->bytes, "updated_at",
                     json_time(set->updated_at_s), "price", json_credits(price));
}

static void sets_answer(struct operation *operation, enum fault fault)
{
    const struct sets_page *page = (const struct sets_page *)operation;
    struct request *request = operation->context;
    const struct settings *settings = api_of(request)->settings;
    struct credits price = {settings->require_contribution ? settings->price_download.milli : 0};
    if (fault) {
        api_refuse(request, fault);
        return;
    }
    json_t *sets = json_array();
    for (size_t i = 0; i < page->count; i++)
        json_array_append_new(sets, set_encode(&page->sets[i], price));
    int64_t last = page->count ? page->sets[page->count - 1].number : 0;
    request_answer(request, 200,
                   json_pack("{s:o, s:o}", "sets", sets, "next_cursor",
                             api_cursor(request, last, page->page.more)));
}

void sets_get_handle(struct request *request)
{
    struct page page;
    if (!api_page(request, &page))
        return;
    struct sets_page *sets = sets_page_new(api_of(request)->coordinator);
    if (!sets) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    sets->page = page;
    sets->operation.answer = sets_answer;
    sets->operation.context = request;
    operation_submit(&sets->operation);
}

/* ---- POST /v1/sets/{domain}/downloads ---- */

struct download_body {
    const char *since;
};

static const struct field download_fields[] = {
    {"since", FIELD_TEXT, OPTIONAL, offsetof(struct download_body, since), 1, CURSOR_TEXT_LENGTH},
};

static void purchase_refuse(struct request *request, const struct purchase *purchase,
                            enum fault fault)
{
    json_t *members = NULL;
    struct why why = {""};
    if (fault == FAULT_NOT_FOUND)
        why_set(&why, fault, "nothing of this domain is released");
    if (fault == FAULT_INSUFFICIENT_CREDITS)
        members = json_pack("{s:o, s:o}", "balance", json_credits(purchase->balance), "cost",
                            json_credits(purchase->cost));
    if (fault == FAULT_TOO_MANY_REQUESTS) {
        char wait[24];
        snprintf(wait, sizeof wait, "%" PRId64, purchase->free_at_s - purchase->now_s);
        request_answer_header(request, "Retry-After", wait);
        why_set(&why, fault, "you have %u downloads that have not expired: resume one of them",
                api_of(request)->settings->max_kept_downloads);
    }
    request_refuse(request, fault, why.text[0] ? &why : NULL, members);
}

static void purchase_answer(struct operation *operation, enum fault fault)
{
    const struct purchase *purchase = (const struct purchase *)operation;
    struct request *request = operation->context;
    if (fault) {
        purchase_refuse(request, purchase, fault);
        return;
    }
    request_answer(request, 201,
                   json_pack("{s:o, s:I, s:o, s:o}", "download_id",
                             json_b64(purchase->row.id, DOWNLOAD_ID_LENGTH), "patterns",
                             (json_int_t)purchase->patterns, "expires_at",
                             json_time(purchase->row.expires_at_s), "balance",
                             json_credits(purchase->balance)));
}

/* FAULT_INVALID_REQUEST: `findings` says what is wrong. FAULT_MEMORY. */
static enum fault since_read(struct request *request, const char *since, int64_t *ret_start,
                             struct findings *findings)
{
    struct cursor_owner owner;
    struct set_position position;
    int64_t packed = 0;
    enum fault fault = set_cursor_owner(request, request->captures[0], &owner);
    if (fault)
        return fault;
    if (!cursor_open(api_of(request)->coordinator->keyring->token, &owner, since, &packed)) {
        findings_add(findings, "/since", "must be a cursor of this set that you were given");
        return FAULT_INVALID_REQUEST;
    }
    set_position_unpack(packed, &position);
    *ret_start = position.again;
    return FAULT_NONE;
}

/* A domain that is too long to be one: no row is like it. */
static void domain_copy(const struct request *request, struct download_row *row)
{
    if (strlen(request->captures[0]) <= DOMAIN_LENGTH_MAX)
        snprintf(row->domain, sizeof row->domain, "%s", request->captures[0]);
}

static struct operation *purchase_recall(struct request *request)
{
    struct purchase *purchase = purchase_new(api_of(request)->coordinator);
    if (!purchase)
        return NULL;
    api_await(request, &purchase->operation, purchase_answer);
    return &purchase->operation;
}

static void purchase_handle(struct request *request)
{
    struct download_body body = {0};
    struct findings findings = {0};
    json_t *root = NULL;
    if (!api_body(request, download_fields, sizeof download_fields / sizeof *download_fields, &body,
                  &root))
        return;
    json_decref(root);
    struct purchase *purchase = purchase_new(api_of(request)->coordinator);
    if (!purchase) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    enum fault fault =
        body.since ? since_read(request, body.since, &purchase->row.start, &findings) : FAULT_NONE;
    if (fault) {
        api_refuse_unsubmitted(request, &purchase->operation, fault, &findings);
        return;
    }
    domain_copy(request, &purchase->row);
    bytes_random(purchase->row.id, sizeof purchase->row.id);
    purchase->now_s = api_now_s();
    api_await(request, &purchase->operation, purchase_answer);
    purchase_submit(purchase, api_caller(request));
}

void downloads_post_handle(struct request *request)
{
    api_keyed(request, purchase_recall, purchase_handle);
}
