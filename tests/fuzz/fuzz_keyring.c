/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "fuzz/folder.h"
#include "fuzz/fuzz.h"
#include "store/keyring.h"

/* The input is the file without its last line, the check, which this target adds. */

enum { TEXT_MAX = 16384, CHECK_LENGTH = 16 };

/* The lines that the keys were read from. */
static size_t keyring_write(const struct keyring *keyring, char text[TEXT_MAX])
{
    const struct {
        const char *name;
        const uint8_t *bytes;
    } keys[] = {{"signing", keyring->signing.seed},
                {"token", keyring->token},
                {"noise", keyring->noise},
                {"gate", keyring->gate},
                {"ledger", keyring->ledger}};
    char b64[B64_LENGTH(32) + 1];
    size_t used = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].bytes == keyring->gate && memcmp(keyring->gate, keyring->noise, 32) == 0)
            continue;
        b64_encode(keys[i].bytes, 32, b64);
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s = %s\n", keys[i].name, b64);
    }
    for (size_t i = 0; i < keyring->oprf_count; i++) {
        b64_encode(&keyring->oprf[i].key.secret, 32, b64);
        used += (size_t)snprintf(text + used, TEXT_MAX - used, "oprf %u = %s\n",
                                 keyring->oprf[i].epoch, b64);
    }
    return used;
}

static enum fault keyring_load(const char *text, size_t length, struct keyring **ret)
{
    struct why why = {0};
    folder_write("keys", text, length);
    int folder_fd = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum fault fault = keyring_open(folder_fd, KEYRING_MISSING, ret, &why);
    close(folder_fd);
    PROPERTY(fault == FAULT_NONE || (fault == FAULT_CORRUPT && why.text[0] != '\0'));
    return fault;
}

static void keyring_check(const struct keyring *keyring)
{
    PROPERTY(keyring->oprf_count <= KEYRING_EPOCHS_MAX);
    for (size_t i = 0; i < keyring->oprf_count; i++) {
        PROPERTY(i == 0 || keyring->oprf[i].epoch > keyring->oprf[i - 1].epoch);
        PROPERTY(keyring_oprf(keyring, keyring->oprf[i].epoch) == &keyring->oprf[i].key);
    }
    PROPERTY(keyring_oprf(keyring, 0) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static char text[TEXT_MAX], again[TEXT_MAX];
    uint8_t check[CHECK_LENGTH];
    struct keyring *keyring = NULL;
    if (length > TEXT_MAX / 2)
        return 0;
    PROPERTY(crypto_init() == FAULT_NONE);
    PROPERTY(keyring_load((const char *)bytes, length, &keyring) == FAULT_CORRUPT);
    memcpy(text, bytes, length);
    hash_once(NULL, 0, "cfed/v1/keyring", text, length, check, sizeof check);
    size_t used = length + (size_t)snprintf(text + length, TEXT_MAX - length, "check = ");
    b64_encode(check, sizeof check, text + used);
    used += B64_LENGTH(sizeof check);
    text[used++] = '\n';
    if (keyring_load(text, used, &keyring) == FAULT_NONE) {
        keyring_check(keyring);
        bool is_same = keyring_write(keyring, again) == length && memcmp(again, text, length) == 0;
        PROPERTY(is_same || strstr(text, "\noprf 0")); /* a number may begin with zeros */
        keyring_free(keyring);
        text[length / 2] ^= 1;
        PROPERTY(keyring_load(text, used, &keyring) == FAULT_CORRUPT);
    }
    return 0;
}
