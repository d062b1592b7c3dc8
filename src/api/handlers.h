/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_API_HANDLERS_H
#define CONTINUUM_API_HANDLERS_H

#include "api/api.h"
#include "api/json.h"
#include "domain/directory.h"
#include "domain/tier.h"
#include "http/request.h"
#include "store/page.h"

/* The request's api. */
struct api *api_of(const struct request *request);

/* The member that asks; never NULL in a handler of an ACCESS_MEMBER route before anything was
 * awaited. */
struct instance *api_caller(const struct request *request);

/* The caller, if the path names it; NULL: answered with 404, as for one that does not exist. */
struct instance *api_own_instance(struct request *request);

/* The seconds of the wall clock: read once per handler and passed on. */
int64_t api_now_s(void);

/*
 * Parses the body by a table. False: the request was refused already (malformed-json,
 * invalid-request with `errors`). *ret_root must be given back with json_decref when what was
 * borrowed from it is no longer needed.
 */
bool api_body(struct request *request, const struct field *fields, size_t count, void *target,
              json_t **ret_root);

/* ?cursor=&limit= of a list; limit 1 to PAGE_MAX, PAGE_DEFAULT when absent. False: refused already.
 */
enum { PAGE_DEFAULT = 100 };
bool api_page(struct request *request, struct page *ret);

/* The capture of the route as a tag. False: answered with 404. */
bool api_tag(struct request *request, struct tag *ret);

/* Random, and in B64 not beginning with '-', which on a command line would make it an option. */
void api_id_random(uint8_t ret[16]);

/* A sealed thing: B64 of one of the lengths that `is_valid` takes. False: it is not, or memory is
 * out. */
struct sealed_view {
    const uint8_t *bytes; /* the arena's */
    size_t length;
};
bool sealed_decode(const char *text, bool (*is_valid)(size_t length), struct arena *arena,
                   struct sealed_view *ret);

/*
 * Workers are shared: of one member's requests only max_jobs_per_member compute at one time. False:
 * refused with 429. Each begin that was true needs its end, also when the member is gone by then.
 */
bool api_job_begin(struct request *request);
void api_job_end(const struct request *request);

/*
 * What the handler of a POST that changes something begins with: `handle` handles the request,
 * unless it came with an Idempotency-Key that is remembered. Then the operation of `recall` (made,
 * with its `replay` and `answer`, and not submitted; NULL when memory is out) answers again.
 */
void api_keyed(struct request *request, struct operation *(*recall)(struct request *request),
               void (*handle)(struct request *request));

/* Has `answer` answer the request once the operation is done, and its memo remember it. */
void api_await(struct request *request, struct operation *operation,
               void (*answer)(struct operation *operation, enum fault fault));

/*
 * Long answers that are streamed are limited, each kind apart: max_downloads and max_exports in
 * all, max_downloads_per_member and EXPORTS_PER_MEMBER of one member. FAULT_TOO_MANY_REQUESTS,
 * FAULT_OVERLOADED: `why` says how many there may be. Each begin that was good needs its end, also
 * when the member (of `handle`) is gone by then.
 */
enum { EXPORTS_PER_MEMBER = 1 };
enum fault api_stream_begin(struct request *request, enum stream_kind kind, struct why *why);
void api_stream_end(struct api *api, enum stream_kind kind, uint64_t handle);

/* Answers with the fault of an operation, in the one way that all handlers share. */
void api_refuse(struct request *request, enum fault fault);

/* Refuses with what was found wrong: its first sentence, and all of it as "errors". `findings` is
 * released. */
void api_refuse_findings(struct request *request, enum fault fault, struct findings *findings);

/*
 * Unless `fault` is FAULT_NONE: frees an operation that was not submitted, and refuses.
 * `findings` may be NULL; otherwise as api_refuse_findings, also when nothing was found.
 */
void api_refuse_unsubmitted(struct request *request, struct operation *operation, enum fault fault,
                            struct findings *findings);

/* The cursor behind `position`, for who asks; null when there is no more. */
json_t *api_cursor(const struct request *request, int64_t position, bool more);

/* Retry-After of the refusal to come. */
void api_retry_after(struct request *request, uint32_t seconds);

/* RateLimit-Policy and RateLimit of the answer to come; none when the caller's tier has no quota.
 */
void api_meter(struct request *request, const struct allowance *allowance);

/* Refuses with the fault of an operation that charges a quota: FAULT_TOO_MANY_REQUESTS says what is
 * left. */
void api_refuse_metered(struct request *request, enum fault fault,
                        const struct allowance *allowance);

/* Handlers, by path (routes.c). */
void federation_get_handle(struct request *request);
void health_handle(struct request *request);
void ready_handle(struct request *request);
void instances_post_handle(struct request *request);
void instance_get_handle(struct request *request);
void instance_patch_handle(struct request *request);
void instance_delete_handle(struct request *request);
void export_get_handle(struct request *request);
void tokens_post_handle(struct request *request);
void evaluations_post_handle(struct request *request);
void oprf_tokens_post_handle(struct request *request);
void contributions_get_handle(struct request *request);
void contributions_post_handle(struct request *request);
void contributions_delete_handle(struct request *request);
void contribution_delete_handle(struct request *request);
void queries_post_handle(struct request *request);
void answers_get_handle(struct request *request);
void inbox_get_handle(struct request *request);
void inbox_answer_handle(struct request *request);
void inbox_delete_handle(struct request *request);
void pattern_get_handle(struct request *request);
void verifications_get_handle(struct request *request);
void verifications_post_handle(struct request *request);
void vote_put_handle(struct request *request);
void credits_get_handle(struct request *request);
void download_get_handle(struct request *request);
void ledger_get_handle(struct request *request);
void sets_get_handle(struct request *request);
void downloads_post_handle(struct request *request);

#endif
