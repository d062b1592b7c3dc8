/* SPDX-License-Identifier: Apache-2.0 */
#include "store/domains.h"

#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct domain {
    uint16_t number;
    char name[];
};

struct domains {
    void *tree; /* of struct domain, by name (tsearch) */
    uint32_t count;
};

/* Nodes and keys are both names, so that one function compares them. */
static int name_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct domain *domain_of_name(char *name)
{
    return (struct domain *)(void *)(name - offsetof(struct domain, name));
}

enum fault domains_new(struct domains **ret)
{
    struct domains *domains = calloc(1, sizeof *domains);
    if (!domains)
        return FAULT_MEMORY;
    *ret = domains;
    return FAULT_NONE;
}

static void domain_free(void *name)
{
    free(domain_of_name(name));
}

void domains_free(struct domains *domains)
{
    if (!domains)
        return;
    tdestroy(domains->tree, domain_free);
    free(domains);
}

int32_t domains_find(const struct domains *domains, const char *name)
{
    char *const *node = tfind(name, &domains->tree, name_compare);
    return node ? domain_of_name(*node)->number : DOMAIN_UNKNOWN;
}

enum fault domains_intern(struct domains *domains, const char *name, uint16_t *ret)
{
    int32_t number = domains_find(domains, name);
    if (number == DOMAIN_UNKNOWN && domains->count == DOMAINS_MAX)
        number = DOMAIN_OVERFLOW;
    if (number == DOMAIN_UNKNOWN) {
        size_t length = strlen(name);
        struct domain *domain = malloc(sizeof *domain + length + 1);
        if (!domain)
            return FAULT_MEMORY;
        domain->number = (uint16_t)domains->count;
        memcpy(domain->name, name, length + 1);
        if (!tsearch(domain->name, &domains->tree, name_compare)) {
            free(domain);
            return FAULT_MEMORY;
        }
        number = (int32_t)domains->count++;
    }
    *ret = (uint16_t)number;
    return FAULT_NONE;
}
