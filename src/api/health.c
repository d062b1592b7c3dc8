/* SPDX-License-Identifier: Apache-2.0 */
#include "api/handlers.h"

/* Alive: the loop turns. */
void health_handle(struct request *request)
{
    request_answer(request, 200, json_pack("{s:s}", "status", "ok"));
}

/* Ready: memory is loaded and nobody asked to stop. */
void ready_handle(struct request *request)
{
    const struct api *api = api_of(request);
    const struct coordinator *coordinator = api->coordinator;
    if (api->draining) {
        api_refuse(request, FAULT_SHUTTING_DOWN);
    } else if (coordinator && !coordinator->ready) {
        api_refuse(request, FAULT_STARTING);
    } else {
        request_answer(request, 200, json_pack("{s:s}", "status", "ready"));
    }
}
