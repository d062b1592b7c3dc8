/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
#include "domain/download.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "domain/membership.h"
#include "domain/retention.h"
#include "lib/world.h"

/* Three hold patterns 1 to 5 of one set; two more read. */
enum { ALICE, BOB, CAROL, READER, STRANGER, MEMBERS, PATTERNS = 5, OWN = 100 };

static struct world world;

/* The number in the world of a pattern of the set. */
static unsigned in_set(unsigned pattern)
{
    return pattern * MADE_UP_DOMAINS;
}

static void release(unsigned pattern, uint8_t confidence)
{
    for (unsigned member = ALICE; member <= CAROL; member++) {
        struct bundle bundle = {
            .patterns = {in_set(pattern)}, .count = 1, .confidence = confidence};
        struct contributed answer;
        world_contribute_start(&world, member, &bundle, &answer);
        world_run(&world);
        assert_int_equal(answer.fault, FAULT_NONE);
    }
    world_tick(&world);
    assert_true(world_is_released(&world, in_set(pattern)));
}

static int set_up(void **state)
{
    (void)state;
    world_init(&world);
    world_people(&world, MEMBERS, MODE_BALANCED);
    for (unsigned i = 0; i < 30; i++)
        world_contribute(&world, READER, OWN + i);
    for (unsigned pattern = 1; pattern <= PATTERNS; pattern++)
        release(pattern, 50);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

struct bought {
    enum fault fault;
    struct credits cost, balance;
    int64_t patterns, free_at_s;
    uint8_t id[DOWNLOAD_ID_LENGTH];
};

static void purchase_answered(struct operation *operation, enum fault fault)
{
    const struct purchase *purchase = (const struct purchase *)operation;
    struct bought *bought = operation->context;
    *bought = (struct bought){
        fault, purchase->cost, purchase->balance, purchase->patterns, purchase->free_at_s, {0}};
    memcpy(bought->id, purchase->row.id, sizeof bought->id);
}

static const char *the_domain(void)
{
    return world_pattern(&world, in_set(1))->record.domain;
}

static void buy_start(unsigned member, int64_t start, struct bought *ret)
{
    static uint8_t count;
    struct purchase *purchase = purchase_new(world.coordinator);
    *ret = (struct bought){.fault = WORLD_UNANSWERED};
    snprintf(purchase->row.domain, sizeof purchase->row.domain, "%s", the_domain());
    purchase->row.id[0] = ++count;
    purchase->row.start = start;
    purchase->now_s = world.now_s;
    purchase->operation.answer = purchase_answered;
    purchase->operation.context = ret;
    purchase_submit(purchase, world_instance(&world, member));
}

static struct bought buy(unsigned member, int64_t start)
{
    struct bought bought;
    buy_start(member, start, &bought);
    world_run(&world);
    return bought;
}

static void download_answered(struct operation *operation, enum fault fault)
{
    *(enum fault *)operation->context = fault;
}

static enum fault find(const uint8_t id[DOWNLOAD_ID_LENGTH], unsigned member)
{
    enum fault fault = WORLD_UNANSWERED;
    struct download *download = download_new(world.coordinator);
    memcpy(download->id, id, DOWNLOAD_ID_LENGTH);
    download->instance = world_instance(&world, member)->number;
    download->now_s = world.now_s;
    download->operation.answer = download_answered;
    download->operation.context = &fault;
    operation_submit(&download->operation);
    world_run(&world);
    return fault;
}

/* What a member reads behind a position: the numbers of the patterns, and the cursors. */
struct seen {
    size_t count, stop_at;
    unsigned patterns[16];
    int64_t cursors[16];
};

static bool see(void *context, const struct published *published, int64_t cursor)
{
    struct seen *seen = context;
    unsigned pattern = 1;
    while (memcmp(&world_pattern(&world, in_set(pattern))->record.tag, &published->record.tag,
                  32) != 0)
        pattern++;
    seen->patterns[seen->count] = pattern;
    seen->cursors[seen->count++] = cursor;
    return seen->count != seen->stop_at;
}

static struct seen read_from(unsigned member, struct set_position position, size_t stop_at)
{
    struct seen seen = {.stop_at = stop_at};
    struct set_reading reading = {.domain = the_domain(), .position = position};
    visibility_of(&world.settings, world_instance(&world, member), world.now_s,
                  &reading.visibility);
    while (!reading.ended && (!stop_at || seen.count < stop_at))
        assert_int_equal(set_read(world.coordinator, &reading, see, &seen), FAULT_NONE);
    return seen;
}

static struct seen read_after(unsigned member, int64_t cursor)
{
    struct set_position position;
    set_position_unpack(cursor, &position);
    return read_from(member, position, 0);
}

static struct seen read_since(unsigned member, int64_t cursor)
{
    struct set_position position;
    set_position_unpack(cursor, &position);
    return read_from(member, (struct set_position){position.again, position.again}, 0);
}

static int64_t downloads(void)
{
    return world_number(&world, "SELECT count(*) FROM download");
}

static int64_t transfers(void)
{
    return world_number(&world, "SELECT count(*) FROM transfer WHERE kind = 'download'");
}

/* ---- Positions ---- */

static void a_position_survives_its_number(void **state)
{
    static const struct set_position positions[] = {
        {0, 0}, {1, 0}, {1, 1}, {(INT64_C(1) << 40) - 1, (INT64_C(1) << 40) - (INT64_C(1) << 23)}};
    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
        struct set_position back;
        int64_t packed = set_position_pack(&positions[i]);
        assert_true(packed >= 0);
        set_position_unpack(packed, &back);
        assert_true(back.after == positions[i].after && back.again == positions[i].again);
    }
    assert_int_equal(set_position_pack(&(struct set_position){0}), 0);
}

/* ---- Purchases ---- */

static void a_download_costs_once_and_is_found_for_a_day(void **state)
{
    (void)state;
    int64_t before = world_balance(&world, READER);
    struct bought bought = buy(READER, 0);
    assert_int_equal(bought.fault, FAULT_NONE);
    assert_int_equal(bought.cost.milli, 10000);
    assert_int_equal(bought.balance.milli, before - 10000);
    assert_int_equal(world_balance(&world, READER), before - 10000);
    assert_int_equal(bought.patterns, PATTERNS);
    assert_int_equal(find(bought.id, READER), FAULT_NONE);
    assert_int_equal(find(bought.id, ALICE), FAULT_NOT_FOUND);
    world.now_s += DOWNLOAD_TTL_S - 1;
    assert_int_equal(find(bought.id, READER), FAULT_NONE);
    world.now_s++;
    assert_int_equal(find(bought.id, READER), FAULT_NOT_FOUND);
    assert_int_equal(world_balance(&world, READER), before - 10000);
}

static void what_expired_is_swept_away(void **state)
{
    (void)state;
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
    assert_int_equal(downloads(), 2);
    world.now_s += DOWNLOAD_TTL_S - 1;
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
    world.now_s += 1;
    retention_sweep(world.coordinator, world.now_s);
    world_run(&world);
    assert_int_equal(downloads(), 1);
}

static void refusals_cost_nothing_and_leave_nothing(void **state)
{
    (void)state;
    int64_t before = world_balance(&world, ALICE);
    assert_int_equal(buy(STRANGER, 0).fault, FAULT_CONTRIBUTION_REQUIRED);
    struct bought poor = buy(ALICE, 0);
    assert_int_equal(poor.fault, FAULT_INSUFFICIENT_CREDITS);
    assert_int_equal(poor.cost.milli, 10000);
    assert_int_equal(poor.balance.milli, before);
    world.settings.max_kept_downloads = 0;
    assert_int_equal(buy(READER, 0).fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(buy(ALICE, 0).fault, FAULT_INSUFFICIENT_CREDITS); /* comes first */
    assert_int_equal(downloads(), 0);
    assert_int_equal(transfers(), 0);
    assert_int_equal(world_balance(&world, ALICE), before);
}

static void a_member_keeps_only_so_many_until_one_expires(void **state)
{
    (void)state;
    world.settings.max_kept_downloads = 2;
    int64_t first_s = world.now_s;
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
    world.now_s += 100;
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
    struct bought third = buy(READER, 0);
    assert_int_equal(third.fault, FAULT_TOO_MANY_REQUESTS);
    assert_int_equal(third.free_at_s, first_s + DOWNLOAD_TTL_S);
    world.now_s = third.free_at_s;
    world.settings.require_contribution = false;
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
}

static void who_is_erased_while_the_purchase_waits_buys_nothing(void **state)
{
    (void)state;
    struct bought bought;
    assert_int_equal(buy(READER, 0).fault, FAULT_NONE);
    int64_t before = transfers();
    assert_int_equal(world_erase(&world, READER, NULL), FAULT_NONE);
    assert_int_equal(downloads(), 0);
    assert_int_equal(world_join(&world, READER, LEVEL_EXTENSIVE, MODE_BALANCED), FAULT_NONE);
    world_contribute(&world, READER, OWN);
    buy_start(READER, 0, &bought);
    struct erasure *erasure = erasure_new(world.coordinator, world_instance(&world, READER));
    enum fault erased = WORLD_UNANSWERED;
    erasure->now_s = world.now_s;
    erasure->operation.answer = download_answered;
    erasure->operation.context = &erased;
    struct job_list waiting = world.commands; /* the erasure overtakes */
    world.commands = (struct job_list){0};
    operation_submit(&erasure->operation);
    world_run(&world);
    assert_int_equal(erased, FAULT_NONE);
    world.commands = waiting;
    world_run(&world);
    assert_int_equal(bought.fault, FAULT_TOKEN_INVALID);
    assert_int_equal(downloads(), 0);
    assert_int_equal(transfers(), before);
}

/* ---- Reading ---- */

static void a_set_is_read_in_the_order_of_its_releases(void **state)
{
    (void)state;
    struct seen all = read_after(READER, 0);
    assert_int_equal(all.count, PATTERNS);
    for (unsigned i = 0; i < PATTERNS; i++) {
        assert_int_equal(all.patterns[i], i + 1);
        struct seen rest = read_after(READER, all.cursors[i]);
        assert_int_equal(rest.count, PATTERNS - 1 - i);
        assert_memory_equal(rest.patterns, all.patterns + i + 1, rest.count * sizeof(unsigned));
        struct seen part = read_from(READER, (struct set_position){0}, i + 1);
        assert_int_equal(part.count, i + 1);
    }
}

static void what_is_un_released_is_left_out_and_comes_last_when_it_is_back(void **state)
{
    (void)state;
    struct seen all = read_after(READER, 0);
    world_withdraw(&world, BOB, (int)in_set(2));
    world_tick(&world);
    struct seen fewer = read_after(READER, 0);
    assert_int_equal(fewer.count, PATTERNS - 1);
    assert_int_equal(fewer.patterns[1], 3);
    assert_int_equal(world_number(&world, "SELECT total(patterns) FROM release_set"), PATTERNS - 1);
    world_contribute(&world, STRANGER, in_set(2));
    world_tick(&world);
    struct seen news = read_since(READER, all.cursors[PATTERNS - 1]);
    assert_int_equal(news.count, 1);
    assert_int_equal(news.patterns[0], 2);
}

static void the_last_number_is_not_given_twice(void **state)
{
    (void)state;
    struct seen all = read_after(READER, 0);
    world_withdraw(&world, BOB, (int)in_set(PATTERNS));
    world_tick(&world);
    release(PATTERNS + 1, 50);
    struct seen news = read_since(READER, all.cursors[PATTERNS - 1]);
    assert_int_equal(news.count, 1);
    assert_int_equal(news.patterns[0], PATTERNS + 1);
}

static void what_shows_later_is_not_lost_to_a_later_download(void **state)
{
    (void)state;
    assert_int_equal(world_join(&world, READER + 10, LEVEL_STANDARD, MODE_BALANCED), FAULT_NONE);
    release(PATTERNS + 1, 95);
    release(PATTERNS + 2, 50);
    struct seen all = read_after(READER + 10, 0);
    assert_int_equal(all.count, PATTERNS + 1);
    int64_t last = all.cursors[PATTERNS];
    assert_int_equal(read_after(READER + 10, last).count, 0); /* resumed: nothing comes twice */
    world.now_s += world.settings.high_confidence_delay_s;
    struct seen news = read_since(READER + 10, last);
    assert_int_equal(news.count, 2); /* the one that shows now, and what came behind it */
    assert_int_equal(news.patterns[0], PATTERNS + 1);
    assert_int_equal(read_since(READER + 10, news.cursors[1]).count, 0);
}

static void levels_see_what_they_see_in_queries(void **state)
{
    (void)state;
    assert_int_equal(world_join(&world, READER + 10, LEVEL_MINIMAL, MODE_BALANCED), FAULT_NONE);
    release(PATTERNS + 1, 95);
    assert_int_equal(read_after(READER, 0).count, PATTERNS + 1);
    struct seen few = read_after(READER + 10, 0);
    assert_int_equal(few.count, PATTERNS);
    world.now_s += world.settings.high_confidence_delay_s;
    assert_int_equal(read_after(READER + 10, 0).count, PATTERNS);
    assert_int_equal(read_since(READER + 10, few.cursors[PATTERNS - 1]).count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_survives_its_number),
        TEST(a_download_costs_once_and_is_found_for_a_day),
        TEST(what_expired_is_swept_away),
        TEST(refusals_cost_nothing_and_leave_nothing),
        TEST(a_member_keeps_only_so_many_until_one_expires),
        TEST(who_is_erased_while_the_purchase_waits_buys_nothing),
        TEST(a_set_is_read_in_the_order_of_its_releases),
        TEST(what_is_un_released_is_left_out_and_comes_last_when_it_is_back),
        TEST(the_last_number_is_not_given_twice),
        TEST(what_shows_later_is_not_lost_to_a_later_download),
        TEST(levels_see_what_they_see_in_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
