/* SPDX-License-Identifier: Apache-2.0 */
#include "http/bucket.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/bytes.h"
#include "http/peer.h"

/*
 * A bucket is one number: the time at which it will be full again. Taking one moves that time on by
 * one interval, and may not move it further than `burst` intervals from now. The bucket that is
 * full first is the one to forget, so buckets stand in a heap by that time; a hash table finds them
 * by network.
 */
struct bucket {
    uint8_t network[16];
    uint64_t full_at_us;
    uint32_t heap_index;
    uint32_t next; /* in its chain */
};

#define NOWHERE UINT32_MAX

struct buckets {
    uint64_t interval_us;
    uint64_t burst_us;
    uint32_t capacity, count;
    uint8_t key[16];
    struct bucket *buckets; /* `capacity`, the first `count` in use */
    uint32_t *heap;         /* indices into `buckets` */
    uint32_t *chains;       /* `capacity` heads */
};

enum fault buckets_new(uint32_t burst, uint32_t per_hour, uint32_t addresses_max,
                       struct buckets **ret)
{
    struct buckets *buckets = calloc(1, sizeof *buckets);
    if (!buckets)
        return FAULT_MEMORY;
    buckets->interval_us = UINT64_C(3600000000) / per_hour;
    buckets->burst_us = burst * buckets->interval_us;
    buckets->capacity = addresses_max;
    buckets->buckets = calloc(addresses_max, sizeof *buckets->buckets);
    buckets->heap = calloc(addresses_max, sizeof *buckets->heap);
    buckets->chains = malloc(addresses_max * sizeof *buckets->chains);
    if (!buckets->buckets || !buckets->heap || !buckets->chains) {
        buckets_free(buckets);
        return FAULT_MEMORY;
    }
    for (uint32_t i = 0; i < addresses_max; i++)
        buckets->chains[i] = NOWHERE;
    bytes_random(buckets->key, sizeof buckets->key);
    *ret = buckets;
    return FAULT_NONE;
}

void buckets_free(struct buckets *buckets)
{
    if (!buckets)
        return;
    free(buckets->buckets);
    free(buckets->heap);
    free(buckets->chains);
    free(buckets);
}

static uint32_t *chain_of(struct buckets *buckets, const uint8_t network[16])
{
    return &buckets->chains[bytes_siphash(buckets->key, network, 16) % buckets->capacity];
}

static uint64_t heap_time(const struct buckets *buckets, uint32_t place)
{
    return buckets->buckets[buckets->heap[place]].full_at_us;
}

static void heap_put(struct buckets *buckets, uint32_t place, uint32_t index)
{
    buckets->heap[place] = index;
    buckets->buckets[index].heap_index = place;
}

static void heap_rise(struct buckets *buckets, uint32_t place)
{
    uint32_t index = buckets->heap[place];
    uint64_t time = heap_time(buckets, place);
    for (; place && heap_time(buckets, (place - 1) / 2) > time; place = (place - 1) / 2)
        heap_put(buckets, place, buckets->heap[(place - 1) / 2]);
    heap_put(buckets, place, index);
}

static void heap_sink(struct buckets *buckets, uint32_t place)
{
    uint32_t index = buckets->heap[place];
    uint64_t time = heap_time(buckets, place);
    for (uint32_t child; (child = 2 * place + 1) < buckets->count; place = child) {
        if (child + 1 < buckets->count && heap_time(buckets, child + 1) < heap_time(buckets, child))
            child++;
        if (heap_time(buckets, child) >= time)
            break;
        heap_put(buckets, place, buckets->heap[child]);
    }
    heap_put(buckets, place, index);
}

static struct bucket *bucket_find(struct buckets *buckets, const uint8_t network[16])
{
    for (uint32_t i = *chain_of(buckets, network); i != NOWHERE; i = buckets->buckets[i].next)
        if (memcmp(buckets->buckets[i].network, network, 16) == 0)
            return &buckets->buckets[i];
    return NULL;
}

static void bucket_unlink(struct buckets *buckets, uint32_t index)
{
    uint32_t *link = chain_of(buckets, buckets->buckets[index].network);
    while (*link != index)
        link = &buckets->buckets[*link].next;
    *link = buckets->buckets[index].next;
}

/* A bucket for `network`, full since ever, at the top of the heap or, when there are others, at its
 * end. */
static struct bucket *bucket_add(struct buckets *buckets, const uint8_t network[16])
{
    uint32_t index = buckets->count;
    if (index == buckets->capacity) {
        index = buckets->heap[0];
        bucket_unlink(buckets, index);
    } else {
        buckets->count++;
        heap_put(buckets, index, index);
    }
    uint32_t *chain = chain_of(buckets, network);
    struct bucket *bucket = &buckets->buckets[index];
    bucket->full_at_us = 0;
    bucket->next = *chain;
    memcpy(bucket->network, network, 16);
    *chain = index;
    heap_rise(buckets, bucket->heap_index);
    return bucket;
}

enum fault buckets_take(struct buckets *buckets, const uint8_t address[16], uint64_t now_ms,
                        uint32_t *ret_retry_after_s)
{
    uint8_t network[16];
    uint64_t now_us = now_ms * 1000;
    peer_network(address, network);
    struct bucket *bucket = bucket_find(buckets, network);
    uint64_t from_us = bucket && bucket->full_at_us > now_us ? bucket->full_at_us : now_us;
    uint64_t full_at_us = from_us + buckets->interval_us;
    if (full_at_us > now_us + buckets->burst_us) {
        uint64_t wait_us = full_at_us - now_us - buckets->burst_us;
        *ret_retry_after_s = (uint32_t)((wait_us + 999999) / 1000000);
        return FAULT_TOO_MANY_REQUESTS;
    }
    if (!bucket)
        bucket = bucket_add(buckets, network);
    bucket->full_at_us = full_at_us;
    heap_sink(buckets, bucket->heap_index);
    return FAULT_NONE;
}
