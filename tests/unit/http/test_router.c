/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/router.h"

static const struct route routes[] = {
    {METHOD_GET, "/v1/pairs/{a}/of/{b}", ACCESS_ANYONE, NULL},
    {METHOD_GET, "/v1/things", ACCESS_ANYONE, NULL},
    {METHOD_POST, "/v1/things", ACCESS_ANYONE, NULL},
    {METHOD_GET, "/v1/things/me", ACCESS_ANYONE, NULL},
    {METHOD_DELETE, "/v1/things/{id}", ACCESS_ANYONE, NULL},
    {METHOD_GET, "/v1/things/{id}", ACCESS_ANYONE, NULL},
};
static const struct router router = {routes, sizeof routes / sizeof *routes, NULL};

/* Finds `path`; its captures, joined by '|', are `captures`. */
static void assert_finds(enum method method, const char *path, size_t row, const char *captures)
{
    struct request request = {.method = method, .path = path};
    const struct route *route = NULL;
    char allow[64] = "", joined[128] = "";
    assert_int_equal(router_find(&router, &request, &route, allow), FAULT_NONE);
    assert_ptr_equal(route, &routes[row]);
    snprintf(joined, sizeof joined, "%s%s%s", request.captures[0] ? request.captures[0] : "",
             request.captures[1] ? "|" : "", request.captures[1] ? request.captures[1] : "");
    assert_string_equal(joined, captures);
    arena_done(&request.arena);
}

static void assert_refuses(enum method method, const char *path, enum fault fault,
                           const char *methods)
{
    struct request request = {.method = method, .path = path};
    const struct route *route = NULL;
    char allow[64] = "";
    assert_int_equal(router_find(&router, &request, &route, allow), fault);
    assert_null(route);
    assert_string_equal(allow, methods);
    arena_done(&request.arena);
}

static void method_and_path_choose_the_row(void **state)
{
    (void)state;
    assert_finds(METHOD_GET, "/v1/things", 1, "");
    assert_finds(METHOD_POST, "/v1/things", 2, "");
    assert_finds(METHOD_DELETE, "/v1/things/x", 4, "x");
    assert_finds(METHOD_GET, "/v1/things/x", 5, "x");
    assert_finds(METHOD_GET, "/v1/pairs/x/of/y", 0, "x|y");
}

static void a_literal_segment_wins_over_a_capture(void **state)
{
    (void)state;
    assert_finds(METHOD_GET, "/v1/things/me", 3, "");
    assert_refuses(METHOD_DELETE, "/v1/things/me", FAULT_METHOD_NOT_ALLOWED, "GET");
}

static void captures_are_decoded_and_an_encoded_slash_does_not_split(void **state)
{
    (void)state;
    assert_finds(METHOD_GET, "/v1/things/a%20b%2fc%25", 5, "a b/c%");
    assert_finds(METHOD_GET, "/v1/things/%C3%a9", 5, "\xc3\xa9");
    assert_finds(METHOD_GET, "/v1/things/a+b", 5, "a+b");
}

static void what_cannot_be_decoded_is_not_found(void **state)
{
    (void)state;
    static const char *const bad[] = {"/v1/things/%00", "/v1/things/a%0", "/v1/things/%",
                                      "/v1/things/%zz", "/v1/things/%4",  "/v1/things/%4g"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refuses(METHOD_GET, bad[i], FAULT_NOT_FOUND, "");
}

static void other_paths_are_not_found(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "/",
        "/v1",
        "v1/things",
        "/v1/things/",
        "/v1//things",
        "/v1/thing",
        "/v1/thingss",
        "/V1/things",
        "/v1/things/x/y",
        "/v1/pairs//of/y",
        "/v1/pairs/x/of",
        "/v1/th%69ngs",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refuses(METHOD_GET, bad[i], FAULT_NOT_FOUND, "");
}

static void other_methods_are_told_which_there_are(void **state)
{
    (void)state;
    assert_refuses(METHOD_PUT, "/v1/things", FAULT_METHOD_NOT_ALLOWED, "GET, POST");
    assert_refuses(METHOD_OTHER, "/v1/things/x", FAULT_METHOD_NOT_ALLOWED, "DELETE, GET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(method_and_path_choose_the_row),
        cmocka_unit_test(a_literal_segment_wins_over_a_capture),
        cmocka_unit_test(captures_are_decoded_and_an_encoded_slash_does_not_split),
        cmocka_unit_test(what_cannot_be_decoded_is_not_found),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(other_methods_are_told_which_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
