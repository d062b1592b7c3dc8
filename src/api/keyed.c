/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/handlers.h"
#include "domain/memo.h"

enum { KEY_LENGTH_MAX = 64 };

/* A request with an Idempotency-Key. In the request's arena. */
struct keyed {
    struct memo memo; /* first: a memo is its keyed request */
    struct request *request;
    struct operation *(*recall)(struct request *request);
    void (*handle)(struct request *request);
};

static bool key_is_valid(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++)
        if (key[i] < '!' || key[i] > '~')
            return false;
    return length >= 1 && length <= KEY_LENGTH_MAX;
}

static void keyed_recall(struct memo *memo)
{
    struct keyed *keyed = (struct keyed *)memo;
    struct operation *operation = keyed->recall(keyed->request);
    if (operation)
        memo_recall(memo, operation);
    else
        api_refuse(keyed->request, FAULT_MEMORY);
}

/* Handlers rely on their caller's being there, who may have been erased meanwhile. */
static void keyed_handle(struct memo *memo)
{
    struct keyed *keyed = (struct keyed *)memo;
    if (api_caller(keyed->request))
        keyed->handle(keyed->request);
    else
        api_refuse(keyed->request, FAULT_TOKEN_INVALID);
}

static void keyed_start(struct keyed *keyed, const char *key)
{
    struct request *request = keyed->request;
    struct memo_request hashed = {
        .method = "POST",
        .path = request->path,
        .key = key,
        .body = request->body,
        .body_length = request->body_length,
    };
    keyed->memo.coordinator = api_of(request)->coordinator;
    keyed->memo.instance = api_caller(request)->number;
    keyed->memo.now_s = api_now_s();
    keyed->memo.fresh = keyed_handle;
    keyed->memo.again = keyed_recall;
    memo_hash(&keyed->memo, &hashed);
    request->memo = &keyed->memo;
    keyed_recall(&keyed->memo);
}

void api_keyed(struct request *request, struct operation *(*recall)(struct request *request),
               void (*handle)(struct request *request))
{
    const char *key = request_header(request, "Idempotency-Key");
    struct why why;
    if (!key) {
        handle(request);
        return;
    }
    if (!key_is_valid(key)) {
        why_set(&why, FAULT_INVALID_REQUEST,
                "the Idempotency-Key must be 1 to 64 visible ASCII characters");
        request_refuse(request, FAULT_INVALID_REQUEST, &why, NULL);
        return;
    }
    struct keyed *keyed = arena_alloc(&request->arena, sizeof *keyed);
    if (!keyed) {
        api_refuse(request, FAULT_MEMORY);
        return;
    }
    keyed->request = request;
    keyed->recall = recall;
    keyed->handle = handle;
    keyed_start(keyed, key);
}

void api_await(struct request *request, struct operation *operation,
               void (*answer)(struct operation *operation, enum fault fault))
{
    operation->answer = answer;
    operation->context = request;
    operation->memo = request->memo;
}
