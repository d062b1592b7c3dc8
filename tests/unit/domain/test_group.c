/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "domain/privacy.h"
#include "domain/release.h"
#include "lib/made_up.h"

enum { K = 3, MEMBERS = 8, NOW_S = 1800000000 };

static const uint8_t noise_key[32] = {9};
static const struct epoch_parameters epoch = {
    .federation_id = {{1, 2, 3}}, .number = 1, .k = K, .token_bits = 32};

static struct group_rules rules(int64_t now_s)
{
    return (struct group_rules){.federation_id = &epoch.federation_id,
                                .noise_key = noise_key,
                                .token_bits = epoch.token_bits,
                                .now_s = now_s};
}

struct fixture {
    struct arena arena;
    struct made_up_pattern pattern;
    struct group group;
    struct contributor contributors[MEMBERS];
    bool valid[MEMBERS];
};

static void group_make(struct fixture *fixture)
{
    fixture->group = (struct group){.pattern = 7,
                                    .record = fixture->pattern.record,
                                    .contributors = fixture->contributors,
                                    .valid = fixture->valid};
    memset(fixture->valid, 0, sizeof fixture->valid);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    if (crypto_init())
        return -1;
    made_up_pattern(&epoch, 5, &fixture.pattern);
    group_make(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    arena_done(&((struct fixture *)*state)->arena);
    return 0;
}

static void join(struct fixture *fixture, enum privacy_mode mode, uint8_t confidence, bool good)
{
    struct group *group = &fixture->group;
    struct contributor *contributor = &group->contributors[group->count];
    struct signing_key key;
    made_up_member((unsigned)group->count, &key);
    contributor->public_key = key.public;
    contributor->contribution = (struct contribution_row){
        .instance = 16 + (int64_t)group->count,
        .confidence = confidence,
        .min_group = privacy_min_group(mode, K),
        .epsilon_milli = privacy_of(mode)->epsilon_milli,
    };
    made_up_share(&fixture->pattern, &epoch.federation_id, &key.public,
                  &contributor->contribution.share);
    if (!good)
        contributor->contribution.share.bytes[0] ^= 1;
    group->count++;
}

static void evaluate(struct fixture *fixture, int64_t now_s)
{
    struct group_rules these = rules(now_s);
    assert_int_equal(group_evaluate(&fixture->group, &these, &fixture->arena), FAULT_NONE);
}

static void counted_are_the_most_who_are_content_with_each_other(void **state)
{
    static const struct {
        uint8_t r[8];
        size_t count, counted;
    } cases[] = {
        {{3, 3, 5}, 3, 0},
        {{3, 3, 3, 5}, 4, 3},
        {{3, 3, 3, 5, 5}, 5, 5},
        {{5, 3, 5, 3, 3}, 5, 5},
        {{5, 5, 5, 5}, 4, 0},
        {{5, 5, 5, 5, 5}, 5, 5},
        {{0}, 0, 0},
        {{2, 2}, 2, 2},
        {{3, 3}, 2, 0},
        {{3, 3, 3, 5, 6, 6}, 6, 6},
        {{3, 3, 3, 6, 6}, 5, 3},
        {{16, 3, 3, 3}, 4, 3},
        {{3, 3, 3, 3, 3, 3}, 6, 6},
        {{2, 2, 5, 5, 5, 6}, 6, 6},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t r[8];
        memcpy(r, cases[i].r, sizeof r);
        if (group_counted(r, cases[i].count) != cases[i].counted)
            fail_msg("case %zu", i);
    }
}

static void k_good_shares_release_the_secret_and_the_tokens(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < K; i++)
        join(fixture, MODE_BALANCED, 80, true);
    evaluate(fixture, NOW_S);
    const struct release_row *release = &fixture->group.release;
    assert_true(fixture->group.released);
    assert_memory_equal(&release->secret, &fixture->pattern.coefficients[0], 32);
    assert_int_equal(release->token_count, 2);
    assert_int_equal(release->tokens[0], made_up_token(5, 1));
    assert_int_equal(release->tokens[1], made_up_token(5, 0));
    assert_int_equal(release->pattern, 7);
    assert_int_equal(release->counted, K);
    assert_int_equal(release->released_at_s, NOW_S);
}

static void fewer_than_k_shares_release_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const struct release_row nothing;
    evaluate(fixture, NOW_S);
    assert_false(fixture->group.released);
    join(fixture, MODE_OPEN, 80, true);
    join(fixture, MODE_OPEN, 80, true);
    evaluate(fixture, NOW_S);
    assert_false(fixture->group.released);
    assert_memory_equal(&fixture->group.release, &nothing, sizeof nothing);
}

static void a_bad_share_is_not_counted(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, MODE_BALANCED, 80, true);
    join(fixture, MODE_BALANCED, 10, false);
    join(fixture, MODE_BALANCED, 80, true);
    evaluate(fixture, NOW_S);
    assert_false(fixture->group.released);
    join(fixture, MODE_BALANCED, 80, true);
    evaluate(fixture, NOW_S);
    assert_true(fixture->group.released);
    assert_int_equal(fixture->group.release.counted, K);
    assert_int_equal(fixture->group.release.confidence, 80);
    assert_true(fixture->valid[0] && !fixture->valid[1] && fixture->valid[2] && fixture->valid[3]);
    assert_memory_equal(&fixture->group.release.secret, &fixture->pattern.coefficients[0], 32);
}

static void any_number_of_bad_shares_releases_nothing(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < MEMBERS; i++)
        join(fixture, MODE_BALANCED, 80, i < K - 1);
    evaluate(fixture, NOW_S);
    assert_false(fixture->group.released);
}

static void a_cautious_contributor_waits_for_more_company(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, MODE_HIGH, 80, true);
    join(fixture, MODE_BALANCED, 80, true);
    join(fixture, MODE_OPEN, 80, true);
    evaluate(fixture, NOW_S);
    assert_false(fixture->group.released);
    join(fixture, MODE_OPEN, 80, true);
    evaluate(fixture, NOW_S);
    assert_true(fixture->group.released);
    assert_int_equal(fixture->group.release.counted, 3);
    join(fixture, MODE_HIGH, 80, true);
    evaluate(fixture, NOW_S);
    assert_int_equal(fixture->group.release.counted, 5);
}

static void confidence_is_the_mean_of_the_counted_rounded_half_up(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, MODE_OPEN, 90, true);
    join(fixture, MODE_OPEN, 91, true);
    join(fixture, MODE_OPEN, 91, true);
    join(fixture, MODE_HIGH, 0, true); /* not counted */
    evaluate(fixture, NOW_S);
    assert_int_equal(fixture->group.release.confidence, 91);
    fixture->contributors[2].contribution.confidence = 90;
    evaluate(fixture, NOW_S);
    assert_int_equal(fixture->group.release.confidence, 90);
    fixture->contributors[3].contribution.min_group = 3;
    fixture->contributors[3].contribution.confidence = 91; /* 90.5 */
    evaluate(fixture, NOW_S);
    assert_int_equal(fixture->group.release.confidence, 91);
    for (size_t i = 0; i < 4; i++)
        fixture->contributors[i].contribution.confidence = 100;
    evaluate(fixture, NOW_S);
    assert_int_equal(fixture->group.release.confidence, 100);
}

static void an_index_that_does_not_open_spoils_the_group(void **state)
{
    struct fixture *fixture = *state;
    made_up_spoiled_pattern(&epoch, 5, &fixture->pattern);
    group_make(fixture);
    for (int i = 0; i < K; i++)
        join(fixture, MODE_BALANCED, 80, true);
    evaluate(fixture, NOW_S);
    assert_true(fixture->group.spoiled);
    assert_false(fixture->group.released);
}

static void the_published_count_is_noisy_but_the_same_within_a_period(void **state)
{
    struct fixture *fixture = *state;
    uint32_t first = 0, distinct = 0;
    int64_t start_s = (int64_t)NOISE_PERIOD_S * 700;
    for (int i = 0; i < MEMBERS; i++)
        join(fixture, MODE_BALANCED, 80, true);
    evaluate(fixture, start_s);
    first = fixture->group.release.contributor_count;
    evaluate(fixture, start_s + NOISE_PERIOD_S - 1);
    assert_int_equal(fixture->group.release.contributor_count, first);
    for (int period = 1; period < 40; period++) {
        evaluate(fixture, start_s + (int64_t)NOISE_PERIOD_S * period);
        distinct += fixture->group.release.contributor_count != first;
        assert_int_equal(fixture->group.release.counted, MEMBERS);
    }
    assert_true(distinct > 5);
}

static void the_published_count_is_never_below_k(void **state)
{
    struct fixture *fixture = *state;
    bool more = false;
    for (int i = 0; i < K; i++)
        join(fixture, MODE_HIGH, 80, true);
    for (size_t i = 0; i < K; i++)
        fixture->contributors[i].contribution.min_group = K;
    for (int period = 0; period < 60; period++) {
        evaluate(fixture, (int64_t)NOISE_PERIOD_S * (600 + period));
        assert_true(fixture->group.release.contributor_count >= K);
        more = more || fixture->group.release.contributor_count > K;
    }
    assert_true(more);
}

static void noise_follows_the_strictest_of_the_counted(void **state)
{
    struct fixture *fixture = *state;
    uint64_t strict = 0, loose = 0;
    for (int i = 0; i < MEMBERS; i++)
        join(fixture, i == 0 ? MODE_HIGH : MODE_OPEN, 80, true);
    for (int period = 0; period < 300; period++) {
        int64_t now_s = (int64_t)NOISE_PERIOD_S * (600 + period);
        fixture->contributors[0].contribution.epsilon_milli = 500;
        evaluate(fixture, now_s);
        strict += fixture->group.release.contributor_count != MEMBERS;
        fixture->contributors[0].contribution.epsilon_milli = 2000;
        evaluate(fixture, now_s);
        loose += fixture->group.release.contributor_count != MEMBERS;
    }
    /* P[Z = 0] is (1-p)/(1+p): 0.245 for epsilon 1/2, 0.762 for 2. */
    assert_in_range(strict, 195, 255);
    assert_in_range(loose, 45, 100);
}

static void privacy_modes_are_as_the_protocol_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t epsilon_milli;
        uint8_t step, r2, r3, r5, r7;
    } expected[MODE_COUNT] = {
        [MODE_HIGH] = {"high", 500, 10, 5, 5, 5, 7},
        [MODE_BALANCED] = {"balanced", 1000, 10, 2, 3, 5, 7},
        [MODE_OPEN] = {"open", 2000, 1, 2, 3, 5, 7},
    };
    for (enum privacy_mode mode = MODE_HIGH; mode < MODE_COUNT; mode++) {
        assert_string_equal(privacy_of(mode)->name, expected[mode].name);
        assert_int_equal(privacy_of(mode)->epsilon_milli, expected[mode].epsilon_milli);
        assert_int_equal(privacy_of(mode)->confidence_step, expected[mode].step);
        assert_int_equal(privacy_min_group(mode, 2), expected[mode].r2);
        assert_int_equal(privacy_min_group(mode, 3), expected[mode].r3);
        assert_int_equal(privacy_min_group(mode, 5), expected[mode].r5);
        assert_int_equal(privacy_min_group(mode, 7), expected[mode].r7);
        assert_int_equal(privacy_mode_parse(expected[mode].name), mode);
    }
    assert_int_equal(privacy_mode_parse("High"), MODE_COUNT);
    assert_int_equal(privacy_mode_parse(""), MODE_COUNT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(counted_are_the_most_who_are_content_with_each_other),
        TEST(k_good_shares_release_the_secret_and_the_tokens),
        TEST(fewer_than_k_shares_release_nothing),
        TEST(a_bad_share_is_not_counted),
        TEST(any_number_of_bad_shares_releases_nothing),
        TEST(a_cautious_contributor_waits_for_more_company),
        TEST(confidence_is_the_mean_of_the_counted_rounded_half_up),
        TEST(an_index_that_does_not_open_spoils_the_group),
        TEST(the_published_count_is_noisy_but_the_same_within_a_period),
        TEST(the_published_count_is_never_below_k),
        TEST(noise_follows_the_strictest_of_the_counted),
        TEST(privacy_modes_are_as_the_protocol_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
