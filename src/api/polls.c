/* SPDX-License-Identifier: Apache-2.0 */
#include "api/polls.h"

#include "util/clock.h"
#include "util/number.h"

static struct waiting *waiting_of(const struct poll *poll)
{
    return api_of(poll->request)->coordinator->waiting;
}

/* False: refused already. */
static bool wait_parse(struct request *request, uint64_t *ret_wait_s)
{
    const char *text = request_parameter(request, "wait");
    uint32_t max_s = api_of(request)->settings->max_wait_s;
    struct why why;
    if (!text || number_parse(text, 0, max_s, ret_wait_s))
        return true;
    why_set(&why, FAULT_INVALID_REQUEST, "the parameter wait must be a number from 0 to %u", max_s);
    request_refuse(request, FAULT_INVALID_REQUEST, &why, NULL);
    return false;
}

/* False: refused already. */
static bool place_take(struct request *request)
{
    struct api *api = api_of(request);
    struct instance *instance = api_caller(request);
    struct why why;
    if (instance->polls >= api->settings->max_polls_per_member) {
        why_set(&why, FAULT_TOO_MANY_REQUESTS, "%u long polls of yours are waiting already",
                instance->polls);
        request_refuse(request, FAULT_TOO_MANY_REQUESTS, &why, NULL);
        return false;
    }
    if (api->polls >= api->settings->max_polls) {
        api_refuse(request, FAULT_OVERLOADED);
        return false;
    }
    instance->polls++;
    api->polls++;
    return true;
}

void poll_done(struct poll *poll)
{
    struct instance *instance = api_caller(poll->request);
    api_of(poll->request)->polls--;
    if (instance)
        instance->polls--;
}

void poll_look(struct poll *poll)
{
    enum fault fault = poll->look(poll);
    if (!fault)
        return;
    poll_done(poll);
    api_refuse(poll->request, fault);
}

/* What a client that has gone would be given goes to its next poll instead. */
static void poll_wake(struct waiter *waiter)
{
    struct poll *poll = (struct poll *)waiter;
    enum fault fault = FAULT_NONE;
    if (!api_caller(poll->request))
        fault = FAULT_TOKEN_INVALID;
    else if (request_is_gone(poll->request))
        fault = FAULT_SHUTTING_DOWN;
    if (!fault) {
        poll_look(poll);
        return;
    }
    poll_done(poll);
    api_refuse(poll->request, fault);
}

void *poll_new(struct request *request, size_t size, enum fault (*look)(struct poll *poll))
{
    uint64_t wait_s = 0;
    if (!wait_parse(request, &wait_s))
        return NULL;
    struct poll *poll = arena_alloc(&request->arena, size);
    if (!poll) {
        api_refuse(request, FAULT_MEMORY);
        return NULL;
    }
    if (!place_take(request))
        return NULL;
    request_hold(request);
    poll->waiter.wake = poll_wake;
    poll->request = request;
    poll->deadline_ms = clock_monotonic_ms() + wait_s * 1000;
    poll->look = look;
    return poll;
}

bool poll_wait(struct poll *poll, struct waiting_key key, int64_t due_s)
{
    poll->waiter.key = key;
    return poll->deadline_ms > clock_monotonic_ms() &&
           waiting_add(waiting_of(poll), &poll->waiter, poll->deadline_ms, due_s);
}
