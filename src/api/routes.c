/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"
#include "domain/membership.h"

/* Sorted by path, then method. */
static const struct route routes[] = {
    {METHOD_GET, "/healthz", ACCESS_HEALTH, health_handle},
    {METHOD_GET, "/readyz", ACCESS_HEALTH, ready_handle},
    {METHOD_DELETE, "/v1/contributions", ACCESS_MEMBER | ACCESS_PACED, contributions_delete_handle},
    {METHOD_GET, "/v1/contributions", ACCESS_MEMBER, contributions_get_handle},
    {METHOD_POST, "/v1/contributions", ACCESS_MEMBER | ACCESS_BULK | ACCESS_PACED,
     contributions_post_handle},
    {METHOD_DELETE, "/v1/contributions/{tag}", ACCESS_MEMBER | ACCESS_PACED,
     contribution_delete_handle},
    {METHOD_GET, "/v1/credits", ACCESS_MEMBER, credits_get_handle},
    {METHOD_GET, "/v1/credits/ledger", ACCESS_MEMBER, ledger_get_handle},
    {METHOD_GET, "/v1/downloads/{id}", ACCESS_MEMBER, download_get_handle},
    {METHOD_GET, "/v1/federation", ACCESS_ANYONE, federation_get_handle},
    {METHOD_GET, "/v1/inbox", ACCESS_MEMBER, inbox_get_handle},
    {METHOD_DELETE, "/v1/inbox/{delivery_id}", ACCESS_MEMBER, inbox_delete_handle},
    {METHOD_POST, "/v1/inbox/{delivery_id}/answer", ACCESS_MEMBER, inbox_answer_handle},
    {METHOD_POST, "/v1/instances", ACCESS_ANYONE, instances_post_handle},
    {METHOD_DELETE, "/v1/instances/{id}", ACCESS_MEMBER, instance_delete_handle},
    {METHOD_GET, "/v1/instances/{id}", ACCESS_MEMBER, instance_get_handle},
    {METHOD_PATCH, "/v1/instances/{id}", ACCESS_MEMBER, instance_patch_handle},
    {METHOD_GET, "/v1/instances/{id}/export", ACCESS_MEMBER, export_get_handle},
    {METHOD_POST, "/v1/oprf/evaluations", ACCESS_MEMBER, evaluations_post_handle},
    {METHOD_POST, "/v1/oprf/tokens", ACCESS_MEMBER, oprf_tokens_post_handle},
    {METHOD_GET, "/v1/patterns/{tag}", ACCESS_MEMBER, pattern_get_handle},
    {METHOD_GET, "/v1/patterns/{tag}/verifications", ACCESS_MEMBER, verifications_get_handle},
    {METHOD_POST, "/v1/patterns/{tag}/verifications", ACCESS_MEMBER, verifications_post_handle},
    {METHOD_PUT, "/v1/patterns/{tag}/vote", ACCESS_MEMBER, vote_put_handle},
    {METHOD_POST, "/v1/queries", ACCESS_MEMBER, queries_post_handle},
    {METHOD_GET, "/v1/queries/{id}/answers", ACCESS_MEMBER, answers_get_handle},
    {METHOD_GET, "/v1/sets", ACCESS_MEMBER, sets_get_handle},
    {METHOD_POST, "/v1/sets/{domain}/downloads", ACCESS_MEMBER, downloads_post_handle},
    {METHOD_POST, "/v1/tokens", ACCESS_ANYONE, tokens_post_handle},
};

static enum fault authenticate(struct request *request, const char *text, size_t length)
{
    struct instance *instance = NULL;
    enum fault fault =
        member_authenticate(api_of(request)->coordinator, text, length, api_now_s(), &instance);
    if (!fault)
        request->caller = instance->handle;
    return fault;
}

const struct router api_router = {
    .routes = routes,
    .route_count = sizeof routes / sizeof *routes,
    .authenticate = authenticate,
};
