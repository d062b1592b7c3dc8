/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=store_submit -Wl,--wrap=workers_submit */
/* link: -Wl,--wrap=lines_verify -Wl,--wrap=commands_apply -Wl,--wrap=readers_take */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/world.h"
#include "store/readers.h"

/* Signatures are checked before the writer's turn, which all others wait for. */

enum { ALICE, BOB, CAROL, DAVE, PATTERN = 1 };

static struct world world;
static bool writer_works, no_reader, another_pattern;
static unsigned checked_by_writer, checked_before;

bool __real_lines_verify(const struct public_key *public_key, const char *const *lines,
                         size_t count, const struct signature *signature);
bool __wrap_lines_verify(const struct public_key *public_key, const char *const *lines,
                         size_t count, const struct signature *signature);
enum fault __real_commands_apply(struct database *database, struct job_list *commands,
                                 struct why *why);
enum fault __wrap_commands_apply(struct database *database, struct job_list *commands,
                                 struct why *why);
enum fault __real_readers_take(struct readers *readers, struct database **ret);
enum fault __wrap_readers_take(struct readers *readers, struct database **ret);

bool __wrap_lines_verify(const struct public_key *public_key, const char *const *lines,
                         size_t count, const struct signature *signature)
{
    ++*(writer_works ? &checked_by_writer : &checked_before);
    return __real_lines_verify(public_key, lines, count, signature);
}

/* The pattern may have become another one since it was looked at. */
enum fault __wrap_commands_apply(struct database *database, struct job_list *commands,
                                 struct why *why)
{
    if (another_pattern)
        assert_int_equal(sql_script(database, "UPDATE pattern SET verify_key = zeroblob(32)"),
                         FAULT_NONE);
    writer_works = true;
    enum fault fault = __real_commands_apply(database, commands, why);
    writer_works = false;
    return fault;
}

enum fault __wrap_readers_take(struct readers *readers, struct database **ret)
{
    return no_reader ? FAULT_SYSTEM : __real_readers_take(readers, ret);
}

static int set_up(void **state)
{
    (void)state;
    no_reader = another_pattern = false;
    world_init(&world);
    world_people(&world, DAVE + 1, MODE_BALANCED);
    for (unsigned member = ALICE; member <= CAROL; member++)
        world_contribute(&world, member, PATTERN);
    world_contribute(&world, DAVE, PATTERN + 1);
    world_tick(&world);
    checked_by_writer = checked_before = 0;
    return world_is_released(&world, PATTERN) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    world_done(&world);
    return 0;
}

static enum fault verify(unsigned member, enum flaw flaw)
{
    return world_verify(&world, member, PATTERN, VERDICT_CONFIRM, flaw).fault;
}

static void the_writer_checks_no_signature(void **state)
{
    (void)state;
    assert_int_equal(verify(DAVE, FLAW_BLIND), FAULT_PROOF_INVALID);
    assert_int_equal(verify(DAVE, FLAW_SIGNATURE), FAULT_PROOF_INVALID);
    assert_int_equal(verify(DAVE, FLAWLESS), FAULT_NONE);
    assert_int_equal(verify(DAVE, FLAWLESS), FAULT_ALREADY_VERIFIED);
    assert_int_equal(verify(DAVE, FLAW_BLIND), FAULT_PROOF_INVALID);
    assert_int_equal(verify(ALICE, FLAW_BLIND), FAULT_OWN_PATTERN);
    assert_int_equal(checked_by_writer, 0);
    assert_true(checked_before >= 6);
}

static void what_could_not_be_looked_at_before_the_writer_checks(void **state)
{
    (void)state;
    no_reader = true;
    assert_int_equal(verify(DAVE, FLAW_BLIND), FAULT_PROOF_INVALID);
    assert_int_equal(verify(DAVE, FLAWLESS), FAULT_NONE);
    assert_int_equal(checked_before, 0);
    assert_true(checked_by_writer >= 2);
}

static void a_proof_for_what_is_another_pattern_by_now_is_none(void **state)
{
    (void)state;
    another_pattern = true;
    assert_int_equal(verify(DAVE, FLAWLESS), FAULT_PROOF_INVALID);
    assert_int_equal(world_number(&world, "SELECT count(*) FROM verification"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_writer_checks_no_signature),
        TEST(what_could_not_be_looked_at_before_the_writer_checks),
        TEST(a_proof_for_what_is_another_pattern_by_now_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
