/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "domain/release.h"
#include "domain/withdrawal.h"
#include "lib/rows.h"
#include "store/catalog.h"
#include "store/ledger.h"
#include "store/search.h"
#include "store/store.h"
#include "util/cleanup.h"

static struct world *running;

/* ---- The two ways out ---- */

struct workers;
void __wrap_store_submit(struct store *store, struct command *command);
void __wrap_workers_submit(struct workers *workers, struct job *job);

void __wrap_store_submit(struct store *store, struct command *command)
{
    (void)store;
    command->fault = FAULT_NONE;
    job_list_push(&running->commands, &command->job);
}

void __wrap_workers_submit(struct workers *workers, struct job *job)
{
    (void)workers;
    job_list_push(&running->jobs, job);
}

void world_work(struct world *world)
{
    struct job_list jobs = world->jobs;
    world->jobs = (struct job_list){0};
    for (struct job *job = jobs.first; job; job = job->next)
        job->run(job);
    for (struct job *job = job_list_pop(&jobs); job; job = job_list_pop(&jobs))
        job->done(job);
}

void world_write(struct world *world)
{
    struct job_list commands = world->commands;
    world->commands = (struct job_list){0};
    if (!commands.first)
        return;
    (void)commands_apply(world->database, &commands, NULL);
    for (struct job *job = job_list_pop(&commands); job; job = job_list_pop(&commands)) {
        struct command *command = (struct command *)job;
        command->done(command, command->fault);
    }
}

void world_run(struct world *world)
{
    while (world->jobs.first || world->commands.first) {
        world_work(world);
        world_write(world);
    }
}

/* ---- Beginning and end ---- */

static const struct settings defaults = {
    .name = "A made-up federation",
    .description = "",
    .key_check = "",
    .oprf_url = "",
    .oprf_public_key = "",
    .require_contribution = true,
    .min_contributors = 3,
    .token_bits = 32,
    .release_interval_s = 60,
    .epoch_grace_days = 30,
    .price_contribute = {1000},
    .price_verify = {500},
    .price_quality = {2000},
    .price_query = {1000},
    .price_download = {10000},
    .price_priority = {5000},
    .credit_on = CREDIT_ON_ACCEPT,
    .daily_contribution_limit = 200,
    .daily_verification_limit = 100,
    .quality_votes = 5,
    .unproven_allowance = 100,
    .max_contributions = 1000000,
    .max_jobs_per_member = 32,
    .max_downloads = 64,
    .max_downloads_per_member = 4,
    .max_exports = 64,
    .max_kept_downloads = 64,
    .level_max_records = {20, 100, 1000},
    .level_max_results = {10, 50, 200},
    .level_min_weekly = {10, 50, 200},
    .high_confidence = 90,
    .high_confidence_delay_s = 3600,
    .default_tier = TIER_UNLIMITED,
    .free_daily = {1000, 100, 4000},
    .answer_cadence_s = 1,
    .lease_s = 120,
    .max_inbox = 100,
    .max_inbox_per_asker = 100,
    .max_inbox_per_hour = 1000,
    .max_routed_open = 100,
    .max_routed_per_hour = 1000,
    .max_polls = 100,
    .max_polls_per_member = 8,
    .max_wait_s = 60,
    .token_ttl_s = 3600,
    .idempotency_retention_s = 86400,
    .unreleased_ttl_days = 180,
    .max_idempotency_keys = 10000,
    .max_json_depth = 8,
    .max_instances = 10000,
    .joins_per_address_per_hour = 10,
};

enum fault world_try_open(struct world *world)
{
    struct why why;
    struct coordinator_parts parts = {
        .settings = &world->settings,
        .keyring = &world->keyring,
        .path = world->path,
        .now_s = world->now_s,
    };
    running = world;
    world->folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    parts.folder_fd = world->folder_fd;
    enum fault fault = erasure_log_open(world->folder_fd, &world->keyring, &world->erasures, &why);
    parts.erasures = world->erasures;
    if (!fault)
        fault = coordinator_open(&parts, &world->coordinator, &why);
    if (!fault)
        fault = database_open(world->path, DATABASE_WRITER, &world->database, &why);
    if (!fault && !world->durable)
        fault = sql_script(world->database, "PRAGMA synchronous = OFF");
    if (!fault)
        fault = coordinator_load(world->coordinator, world->now_s, NULL);
    if (!fault)
        world_run(world);
    if (!fault && !world->coordinator->ready)
        fault = FAULT_STORAGE;
    if (fault)
        world_shut(world);
    return fault;
}

void world_prepare(struct world *world)
{
    static const uint8_t seed[32] = {1};
    *world = (struct world){.settings = defaults, .now_s = INT64_C(1800000000), .folder_fd = -1};
    assert_int_equal(crypto_init(), FAULT_NONE);
    signing_key_from_seed(seed, &world->keyring.signing);
    memset(world->keyring.token, 2, sizeof world->keyring.token);
    memset(world->keyring.noise, 3, sizeof world->keyring.noise);
    memset(world->keyring.gate, 5, sizeof world->keyring.gate);
    memset(world->keyring.ledger, 4, sizeof world->keyring.ledger);
    world->keyring.oprf_count = 1;
    world->keyring.oprf[0].epoch = 1;
    assert_int_equal(oprf_key_derive(seed, "", 0, &world->keyring.oprf[0].key), FAULT_NONE);
    for (unsigned i = 0; i < WORLD_MEMBERS; i++)
        made_up_member(i, &world->members[i]);
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(world->folder, sizeof world->folder, "%s/continuum-world-XXXXXX", parent);
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof world->path, "%s/continuum.db", world->folder);
}

void world_init(struct world *world)
{
    world_prepare(world);
    assert_int_equal(world_try_open(world), FAULT_NONE);
}

void world_shut(struct world *world)
{
    for (struct job *job = job_list_pop(&world->commands); job;
         job = job_list_pop(&world->commands))
        operation_free((struct operation *)(struct command *)job);
    coordinator_close(TAKE(world->coordinator));
    database_close(TAKE(world->database));
    erasure_log_close(TAKE(world->erasures));
    if (world->folder_fd >= 0)
        close(world->folder_fd);
    world->folder_fd = -1;
}

void world_restart(struct world *world)
{
    world_shut(world);
    assert_int_equal(world_try_open(world), FAULT_NONE);
}

void world_rotate(struct world *world, uint8_t k)
{
    struct why why;
    struct database *database = NULL;
    struct epoch_row epoch = world->coordinator->epoch;
    world_shut(world);
    int folder_fd = open(world->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    epoch.number++;
    epoch.k = k;
    epoch.started_at_s = world->now_s;
    assert_int_equal(keyring_add(folder_fd, &world->keyring, epoch.number, &why), FAULT_NONE);
    close(folder_fd);
    epoch.oprf_public_key = keyring_oprf(&world->keyring, epoch.number)->public;
    assert_int_equal(database_open(world->path, DATABASE_WRITER, &database, &why), FAULT_NONE);
    assert_int_equal(epoch_carry(database), FAULT_NONE);
    assert_int_equal(epoch_insert(database, &epoch), FAULT_NONE);
    database_close(database);
    assert_int_equal(world_try_open(world), FAULT_NONE);
}

void world_done(struct world *world)
{
    static const char *const files[] = {"continuum.db", "continuum.db-wal", "continuum.db-shm",
                                        "erased", "keys"};
    char path[128];
    world_shut(world);
    for (size_t i = 0; i < WORLD_PATTERNS; i++)
        free(world->patterns[i]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", world->folder, files[i]);
        unlink(path);
    }
    rmdir(world->folder);
}

/* ---- Looking ---- */

struct instance *world_instance(const struct world *world, unsigned member)
{
    return directory_find_key(world->coordinator->directory, &world->members[member].public);
}

const struct made_up_pattern *world_pattern(struct world *world, unsigned pattern)
{
    const struct coordinator *coordinator = world->coordinator;
    struct epoch_parameters epoch = {
        .federation_id = coordinator->federation_id,
        .number = coordinator->epoch.number,
        .k = coordinator->epoch.k,
        .token_bits = coordinator->epoch.token_bits,
    };
    if (!world->patterns[pattern]) {
        world->patterns[pattern] = malloc(sizeof **world->patterns);
        assert_non_null(world->patterns[pattern]);
        if (world->spoiled[pattern])
            made_up_spoiled_pattern(&epoch, pattern, world->patterns[pattern]);
        else
            made_up_pattern(&epoch, pattern, world->patterns[pattern]);
    }
    return world->patterns[pattern];
}

uint32_t world_pattern_id(struct world *world, unsigned pattern)
{
    return catalog_find(world->coordinator->catalog, &world_pattern(world, pattern)->record.tag);
}

bool world_is_released(struct world *world, unsigned pattern)
{
    uint32_t id = world_pattern_id(world, pattern);
    return id && search_has(world->coordinator->search, id);
}

int64_t world_number(const struct world *world, const char *sql_literal)
{
    struct statement *row = sql(world->database, sql_literal);
    assert_true(sql_step(row));
    int64_t number = sql_column_integer(row, 0);
    assert_int_equal(sql_end(row), FAULT_NONE);
    return number;
}

int64_t world_balance(const struct world *world, unsigned member)
{
    struct credits balance;
    struct instance *instance = world_instance(world, member);
    assert_non_null(instance);
    assert_int_equal(account_balance(world->database, instance->number, &balance), FAULT_NONE);
    return balance.milli;
}

void world_tick(struct world *world)
{
    release_tick(world->coordinator, world->now_s);
    world_run(world);
}

void world_end(struct world *world)
{
    world_tick(world);
    rows_assert_sound(world->database);
    world_done(world);
}
