/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api/handlers.h"
#include "domain/membership.h"
#include "http/stream.h"

/*
 * GET /v1/instances/{id}/export: a line for each row, as many as the writer reads in one step or as
 * fit into a piece, whichever comes first. Between two pieces nothing is held but the position.
 */
enum { PIECE_SIZE = 128 * 1024 };

struct exporting {
    struct request *request;
    struct api *api;
    uint64_t handle; /* of the member; it may go while it reads */
    struct export_position position;
    size_t length;
    char piece[PIECE_SIZE];
};

static bool name_ends(const char *name, const char *ending)
{
    size_t length = strlen(name), suffix = strlen(ending);
    return length > suffix && strcmp(name + length - suffix, ending) == 0;
}

static json_t *cell_encode(const struct export_cell *cell)
{
    switch (cell->type) {
    case EXPORT_NULL:
        return json_null();
    case EXPORT_TEXT:
        return json_stringn(cell->bytes, cell->length);
    case EXPORT_BYTES:
        return json_b64(cell->bytes, cell->length);
    case EXPORT_INTEGER:
        break;
    }
    if (name_ends(cell->name, "_at"))
        return json_time(cell->integer);
    if (name_ends(cell->name, "_milli"))
        return json_credits((struct credits){cell->integer});
    return json_integer(cell->integer);
}

static json_t *row_encode(const struct export_row *row)
{
    json_t *object = json_object();
    int bad = json_object_set_new(object, "record", json_string(row->kind));
    for (size_t i = 0; i < row->count; i++) {
        const char *name = row->cells[i].name;
        size_t length = strlen(name) - (name_ends(name, "_milli") ? strlen("_milli") : 0);
        bad |= json_object_setn_new(object, name, length, cell_encode(&row->cells[i]));
    }
    if (bad == 0)
        return object;
    json_decref(object);
    return NULL;
}

/* On the writer. Without memory for a line the export stands still, and is then cut off. */
static bool row_take(void *context, const struct export_row *row)
{
    struct exporting *exporting = context;
    size_t room = sizeof exporting->piece - exporting->length;
    json_t *line = row_encode(row);
    size_t length = line ? json_dumpb(line, exporting->piece + exporting->length, room,
                                      JSON_COMPACT | JSON_REAL_PRECISION(15))
                         : 0;
    json_decref(line);
    if (length == 0 || length >= room)
        return false;
    exporting->piece[exporting->length + length] = '\n';
    exporting->length += length + 1;
    return true;
}

static void step_done(struct operation *operation, enum fault fault)
{
    struct exporting *exporting = operation->context;
    if (fault || (exporting->length == 0 && !exporting->position.ended))
        stream_break(exporting->request);
    else if (exporting->position.ended)
        stream_end(exporting->request, exporting->piece, exporting->length);
    else
        stream_give(exporting->request, exporting->piece, exporting->length);
}

static void exporting_pull(struct request *request, void *userdata)
{
    struct exporting *exporting = userdata;
    const struct instance *instance =
        directory_find(exporting->api->coordinator->directory, exporting->handle);
    struct export_step *step = instance ? export_step_new(exporting->api->coordinator) : NULL;
    if (!step) {
        stream_break(request);
        return;
    }
    exporting->length = 0;
    step->number = instance->number;
    step->position = &exporting->position;
    step->take = row_take;
    step->context = exporting;
    step->operation.answer = step_done;
    step->operation.context = exporting;
    operation_submit(&step->operation);
}

static void exporting_close(void *userdata)
{
    const struct exporting *exporting = userdata;
    api_stream_end(exporting->api, STREAM_EXPORT, exporting->handle);
}

void export_get_handle(struct request *request)
{
    const struct instance *instance = api_own_instance(request);
    if (!instance)
        return;
    struct exporting *exporting = arena_alloc(&request->arena, sizeof *exporting);
    struct why why = {""};
    enum fault fault = exporting ? api_stream_begin(request, STREAM_EXPORT, &why) : FAULT_MEMORY;
    if (fault) {
        request_refuse(request, fault, why.text[0] ? &why : NULL, NULL);
        return;
    }
    exporting->request = request;
    exporting->api = api_of(request);
    exporting->handle = instance->handle;
    request_answer_stream(request, "application/x-ndjson",
                          &(struct stream_source){exporting_pull, exporting_close, exporting});
}
