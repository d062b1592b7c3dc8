/* SPDX-License-Identifier: Apache-2.0 */
#include "store/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/made_up.h"

static int set_up(void **state)
{
    struct catalog *catalog = NULL;
    if (crypto_init() || catalog_new(&catalog))
        return -1;
    *state = catalog;
    return 0;
}

static int tear_down(void **state)
{
    catalog_free(*state);
    return 0;
}

static struct tag tag_of(unsigned number)
{
    struct tag tag = {{0}};
    memcpy(tag.bytes, &number, sizeof number);
    return tag;
}

static uint32_t hold(struct catalog *catalog, unsigned number)
{
    struct tag tag = tag_of(number);
    uint32_t id = 0;
    assert_int_equal(catalog_hold(catalog, &tag, &id), FAULT_NONE);
    return id;
}

static uint32_t find(struct catalog *catalog, unsigned number)
{
    struct tag tag = tag_of(number);
    return catalog_find(catalog, &tag);
}

static void an_unknown_tag_has_no_id(void **state)
{
    assert_int_equal(find(*state, 1), 0);
    assert_int_equal(catalog_count(*state), 0);
}

static void a_held_tag_has_an_id_and_counts_only_once_settled(void **state)
{
    struct catalog *catalog = *state;
    uint32_t id = hold(catalog, 1);
    assert_int_equal(find(catalog, 1), id);
    assert_int_equal(hold(catalog, 1), id);
    assert_int_equal(catalog_count(catalog), 0);
    catalog_settle(catalog, id, 1);
    assert_int_equal(catalog_count(catalog), 1);
    catalog_settle(catalog, id, 1);
    assert_int_equal(catalog_contributions(catalog, id), 2);
    assert_int_equal(catalog_count(catalog), 1);
}

static void a_hold_that_came_to_nothing_gives_the_id_back(void **state)
{
    struct catalog *catalog = *state;
    uint32_t id = hold(catalog, 1);
    catalog_settle(catalog, id, 0);
    assert_int_equal(find(catalog, 1), 0);
    assert_int_equal(hold(catalog, 2), id);
}

static void an_id_is_kept_while_it_is_held_though_nothing_is_left_of_it(void **state)
{
    struct catalog *catalog = *state;
    uint32_t id = hold(catalog, 1);
    catalog_settle(catalog, id, 1);
    assert_int_equal(hold(catalog, 1), id);
    catalog_remove(catalog, id, 1);
    assert_int_equal(find(catalog, 1), id);
    assert_int_not_equal(hold(catalog, 2), id);
    catalog_settle(catalog, id, 1);
    assert_int_equal(find(catalog, 1), id);
    assert_int_equal(catalog_contributions(catalog, id), 1);
}

static void a_loaded_catalog_gives_the_gaps_away_first(void **state)
{
    struct catalog *catalog = *state;
    struct tag two = tag_of(2), five = tag_of(5);
    bool given[7] = {false};
    assert_int_equal(catalog_load(catalog, 2, &two, 3), FAULT_NONE);
    assert_int_equal(catalog_load(catalog, 5, &five, 1), FAULT_NONE);
    assert_int_equal(catalog_loaded(catalog), FAULT_NONE);
    assert_int_equal(find(catalog, 2), 2);
    assert_int_equal(catalog_contributions(catalog, 2), 3);
    assert_int_equal(catalog_count(catalog), 2);
    for (unsigned number = 10; number < 13; number++)
        given[hold(catalog, number)] = true;
    assert_true(given[1] && given[3] && given[4]);
    assert_int_equal(hold(catalog, 13), 6);
}

static void marks_are_taken_once_in_the_order_in_which_they_were_set(void **state)
{
    struct catalog *catalog = *state;
    uint32_t ids[4], taken[4];
    for (unsigned i = 0; i < 4; i++)
        ids[i] = hold(catalog, i);
    assert_int_equal(catalog_mark(catalog, ids[2]), FAULT_NONE);
    assert_int_equal(catalog_mark(catalog, ids[0]), FAULT_NONE);
    assert_int_equal(catalog_mark(catalog, ids[2]), FAULT_NONE);
    assert_int_equal(catalog_mark(catalog, ids[3]), FAULT_NONE);
    assert_int_equal(catalog_marked(catalog), 3);
    assert_int_equal(catalog_take_marked(catalog, taken, 2), 2);
    assert_int_equal(taken[0], ids[2]);
    assert_int_equal(taken[1], ids[0]);
    assert_int_equal(catalog_mark(catalog, ids[2]), FAULT_NONE);
    assert_int_equal(catalog_take_marked(catalog, taken, 4), 2);
    assert_int_equal(taken[0], ids[3]);
    assert_int_equal(taken[1], ids[2]);
    assert_int_equal(catalog_take_marked(catalog, taken, 4), 0);
}

static void a_mark_outlives_its_pattern_and_is_not_set_twice(void **state)
{
    struct catalog *catalog = *state;
    uint32_t id = hold(catalog, 1), taken[2];
    assert_int_equal(catalog_mark(catalog, id), FAULT_NONE);
    catalog_settle(catalog, id, 0);
    assert_int_equal(hold(catalog, 2), id);
    assert_int_equal(catalog_mark(catalog, id), FAULT_NONE);
    assert_int_equal(catalog_take_marked(catalog, taken, 2), 1);
}

static void it_grows_to_a_hundred_thousand_tags_and_shrinks_again(void **state)
{
    struct catalog *catalog = *state;
    enum { COUNT = 100000 };
    for (unsigned number = 0; number < COUNT; number++) {
        uint32_t id = hold(catalog, number);
        assert_int_equal(id, number + 1);
        catalog_settle(catalog, id, 1);
    }
    assert_int_equal(catalog_count(catalog), COUNT);
    for (unsigned number = 0; number < COUNT; number += 2)
        catalog_remove(catalog, find(catalog, number), 1);
    assert_int_equal(catalog_count(catalog), COUNT / 2);
    for (unsigned number = 0; number < COUNT; number++)
        assert_int_equal(find(catalog, number), number % 2 ? number + 1 : 0);
    for (unsigned number = 0; number < COUNT; number += 2)
        assert_true(hold(catalog, COUNT + number) <= COUNT);
    assert_int_equal(hold(catalog, 3 * COUNT), COUNT + 1);
}

/* ---- Against a naive model ---- */

enum { TAGS = 1500 };

struct model {
    uint32_t ids[TAGS], contributions[TAGS], holds[TAGS];
    size_t live;
};

static void compare(struct catalog *catalog, const struct model *model)
{
    static bool seen[4 * TAGS];
    memset(seen, 0, sizeof seen);
    for (unsigned number = 0; number < TAGS; number++) {
        uint32_t id = find(catalog, number);
        bool known = model->contributions[number] > 0 || model->holds[number] > 0;
        assert_int_equal(id, known ? model->ids[number] : 0);
        if (!known)
            continue;
        assert_int_equal(catalog_contributions(catalog, id), model->contributions[number]);
        assert_true(id < sizeof seen && !seen[id]);
        seen[id] = true;
    }
    assert_int_equal(catalog_count(catalog), model->live);
}

static void settle(struct catalog *catalog, struct model *model, unsigned number, int change)
{
    model->live -= model->contributions[number] > 0;
    model->contributions[number] = (uint32_t)((int)model->contributions[number] + change);
    model->live += model->contributions[number] > 0;
    model->holds[number]--;
    catalog_settle(catalog, model->ids[number], change);
}

static void it_agrees_with_a_naive_model_over_random_operations(void **state)
{
    static struct model model;
    struct catalog *catalog = *state;
    uint64_t random = 7;
    for (unsigned i = 0; i < 200000; i++) {
        /* Now many more come than go, now the other way round. */
        unsigned number = made_up_below(&random, TAGS);
        bool ebb = i / 20000 % 2 == 1;
        if (model.holds[number] > 0) {
            settle(catalog, &model, number, made_up_below(&random, 4) > 0);
        } else if (model.contributions[number] > 0 && made_up_below(&random, ebb ? 1 : 4) == 0) {
            uint32_t gone = 1 + made_up_below(&random, model.contributions[number]);
            model.contributions[number] -= gone;
            model.live -= model.contributions[number] == 0;
            catalog_remove(catalog, model.ids[number], gone);
        } else if (!ebb || made_up_below(&random, 8) == 0) {
            model.ids[number] = hold(catalog, number);
            model.holds[number]++;
        }
        if (i % 5000 == 0)
            compare(catalog, &model);
    }
    compare(catalog, &model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_unknown_tag_has_no_id),
        TEST(a_held_tag_has_an_id_and_counts_only_once_settled),
        TEST(a_hold_that_came_to_nothing_gives_the_id_back),
        TEST(an_id_is_kept_while_it_is_held_though_nothing_is_left_of_it),
        TEST(a_loaded_catalog_gives_the_gaps_away_first),
        TEST(marks_are_taken_once_in_the_order_in_which_they_were_set),
        TEST(a_mark_outlives_its_pattern_and_is_not_set_twice),
        TEST(it_grows_to_a_hundred_thousand_tags_and_shrinks_again),
        TEST(it_agrees_with_a_naive_model_over_random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
