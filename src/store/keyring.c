/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "store/folder.h"
#include "util/cleanup.h"
#include "util/number.h"

enum { TEXT_SIZE = 8192, KEY_LENGTH = 32, CHECK_LENGTH = 16 };
enum { FORGOTTEN = 0 }; /* in the place of an epoch: its key was wiped */
enum { CHECK_LINE_LENGTH = sizeof "check = " - 1 + B64_LENGTH(CHECK_LENGTH) + 1 };

static const char file_name[] = "keys", new_name[] = "keys.new";

/* All that ever holds a secret here: the keyring, and the file's text while it is read or written.
 */
struct vault {
    struct keyring keyring;
    size_t length; /* of the text */
    char text[TEXT_SIZE];
};

static void free_vault(struct vault **vault)
{
    keyring_free(*vault ? &(*vault)->keyring : NULL);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static struct vault *vault_new(void)
{
    void *memory = mmap(NULL, sizeof(struct vault), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    /* Kept out of swap and core dumps where the limits allow; without it the daemon still runs. */
    (void)mlock(memory, sizeof(struct vault));
    (void)madvise(memory, sizeof(struct vault), MADV_DONTDUMP);
    return memory;
}

static void vault_forget_text(struct vault *vault)
{
    bytes_wipe(vault->text, sizeof vault->text);
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    bytes_wipe(keyring, sizeof(struct vault));
    munmap(keyring, sizeof(struct vault));
}

void keyring_done(struct keyring **keyring)
{
    keyring_free(*keyring);
}

const struct oprf_key *keyring_oprf(const struct keyring *keyring, uint32_t epoch)
{
    for (size_t i = 0; i < keyring->oprf_count; i++) {
        if (keyring->oprf[i].epoch == epoch)
            return &keyring->oprf[i].key;
    }
    return NULL;
}

static void text_check(const char *text, size_t length, uint8_t ret[CHECK_LENGTH])
{
    hash_once(NULL, 0, "cfed/v1/keyring", text, length, ret, CHECK_LENGTH);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Splits the line "name = value" off *text. */
static bool line_take(char **text, const char **ret_name, const char **ret_value)
{
    char *name = *text, *end = strchr(name, '\n'), *equals = strstr(name, " = ");
    if (!end || !equals || equals > end)
        return false;
    *end = *equals = '\0';
    *text = end + 1;
    *ret_name = name;
    *ret_value = equals + strlen(" = ");
    return true;
}

static bool key_take(char **text, const char *name, uint8_t ret[KEY_LENGTH])
{
    const char *found = NULL, *value = NULL;
    return line_take(text, &found, &value) && strcmp(found, name) == 0 &&
           b64_decode(value, strlen(value), ret, KEY_LENGTH);
}

/* With the line of the gate, if there is one: then it differs. */
static bool noise_take(char **text, struct keyring *keyring)
{
    static const char gate[] = "gate = ";
    if (!key_take(text, "noise", keyring->noise))
        return false;
    if (strncmp(*text, gate, strlen(gate)) == 0)
        return key_take(text, "gate", keyring->gate) &&
               !bytes_equal(keyring->gate, keyring->noise, KEY_LENGTH);
    memcpy(keyring->gate, keyring->noise, KEY_LENGTH);
    return true;
}

/* "oprf N = ...", with N above that of the line before. */
static bool oprf_take(char **text, struct keyring *keyring)
{
    static const char prefix[] = "oprf ";
    const char *name = NULL, *value = NULL;
    size_t count = keyring->oprf_count;
    uint64_t epoch = 0, least = count ? (uint64_t)keyring->oprf[count - 1].epoch + 1 : 1;
    if (count == KEYRING_EPOCHS_MAX || !line_take(text, &name, &value) ||
        strncmp(name, prefix, strlen(prefix)) != 0 ||
        !number_parse(name + strlen(prefix), least, UINT32_MAX, &epoch))
        return false;
    struct scalar *secret = &keyring->oprf[count].key.secret;
    if (!b64_decode(value, strlen(value), secret->bytes, sizeof secret->bytes) ||
        oprf_key_from_secret(secret, &keyring->oprf[count].key) != FAULT_NONE)
        return false;
    keyring->oprf[count].epoch = (uint32_t)epoch;
    keyring->oprf_count++;
    return true;
}

/* Takes the last line off, and compares it with the rest. */
static bool check_take(struct vault *vault)
{
    uint8_t expected[CHECK_LENGTH], found[CHECK_LENGTH];
    if (vault->length < CHECK_LINE_LENGTH)
        return false;
    char *line = vault->text + vault->length - CHECK_LINE_LENGTH, *rest = line;
    text_check(vault->text, (size_t)(line - vault->text), expected);
    const char *name = NULL, *value = NULL;
    bool is_good = line_take(&rest, &name, &value) && strcmp(name, "check") == 0 &&
                   b64_decode(value, strlen(value), found, sizeof found) &&
                   bytes_equal(expected, found, sizeof found);
    *line = '\0';
    return is_good;
}

static bool vault_parse(struct vault *vault)
{
    struct keyring *keyring = &vault->keyring;
    char *text = vault->text;
    if (!check_take(vault) || !key_take(&text, "signing", keyring->signing.seed) ||
        !key_take(&text, "token", keyring->token) || !noise_take(&text, keyring) ||
        !key_take(&text, "ledger", keyring->ledger))
        return false;
    const char *end = vault->text + vault->length - CHECK_LINE_LENGTH;
    while (text < end) { /* up to the last byte: a NUL would hide the lines behind it */
        if (!oprf_take(&text, keyring))
            return false;
    }
    signing_key_from_seed(keyring->signing.seed, &keyring->signing);
    return true;
}

/* Reads the whole file into the vault's text. */
static enum fault vault_read(int fd, struct vault *vault, struct why *why)
{
    while (vault->length < TEXT_SIZE - 1) {
        ssize_t length = read(fd, vault->text + vault->length, TEXT_SIZE - 1 - vault->length);
        if (length < 0)
            return why_set(why, FAULT_SYSTEM, "cannot read %s in the storage folder: %s", file_name,
                           strerror(errno));
        if (length == 0)
            break;
        vault->length += (size_t)length;
    }
    return FAULT_NONE;
}

static enum fault vault_load(int fd, struct vault *vault, struct why *why)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot examine %s in the storage folder: %s", file_name,
                       strerror(errno));
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return why_set(
            why, FAULT_CORRUPT,
            "%s in the storage folder is open to other users; find out who could read it, "
            "then: chmod 600 %s",
            file_name, file_name);
    enum fault fault = vault_read(fd, vault, why);
    if (fault)
        return fault;
    if (!vault_parse(vault))
        return why_set(why, FAULT_CORRUPT,
                       "%s in the storage folder is damaged; restore it from a backup", file_name);
    return FAULT_NONE;
}

/* --- making and writing ---------------------------------------------------------------------- */

static void key_put(struct vault *vault, const char *name, const uint8_t *bytes, size_t length)
{
    char *end = vault->text + vault->length;
    size_t room = TEXT_SIZE - vault->length;
    size_t used = (size_t)snprintf(end, room, "%s = ", name);
    b64_encode(bytes, length, end + used);
    used += B64_LENGTH(length);
    end[used] = '\n';
    vault->length += used + 1;
}

static void vault_format(struct vault *vault)
{
    const struct keyring *keyring = &vault->keyring;
    uint8_t check[CHECK_LENGTH];
    char name[sizeof "oprf 4294967295"];
    key_put(vault, "signing", keyring->signing.seed, KEY_LENGTH);
    key_put(vault, "token", keyring->token, KEY_LENGTH);
    key_put(vault, "noise", keyring->noise, KEY_LENGTH);
    if (!bytes_equal(keyring->gate, keyring->noise, KEY_LENGTH))
        key_put(vault, "gate", keyring->gate, KEY_LENGTH);
    key_put(vault, "ledger", keyring->ledger, KEY_LENGTH);
    for (size_t i = 0; i < keyring->oprf_count; i++) {
        if (keyring->oprf[i].epoch == FORGOTTEN)
            continue;
        snprintf(name, sizeof name, "oprf %" PRIu32, keyring->oprf[i].epoch);
        key_put(vault, name, keyring->oprf[i].key.secret.bytes, KEY_LENGTH);
    }
    text_check(vault->text, vault->length, check);
    key_put(vault, "check", check, sizeof check);
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* A new file that is renamed into place: after a power cut there is the whole file, or none. */
static enum fault vault_write(int folder_fd, const struct vault *vault, struct why *why)
{
    unlinkat(folder_fd, new_name, 0); /* of a start that was cut off */
    _cleanup_(close_fd) int fd =
        openat(folder_fd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 || !folder_adopt(folder_fd, fd) || !write_all(fd, vault->text, vault->length) ||
        fsync(fd) < 0 || renameat(folder_fd, new_name, folder_fd, file_name) < 0 ||
        fsync(folder_fd) < 0)
        return why_set(why, FAULT_SYSTEM, "cannot write %s in the storage folder: %s", file_name,
                       folder_error());
    return FAULT_NONE;
}

static enum fault vault_create(int folder_fd, struct vault *vault, bool with_oprf, struct why *why)
{
    struct keyring *keyring = &vault->keyring;
    bytes_random(keyring->signing.seed, sizeof keyring->signing.seed);
    signing_key_from_seed(keyring->signing.seed, &keyring->signing);
    bytes_random(keyring->token, sizeof keyring->token);
    bytes_random(keyring->noise, sizeof keyring->noise);
    memcpy(keyring->gate, keyring->noise, sizeof keyring->gate);
    bytes_random(keyring->ledger, sizeof keyring->ledger);
    enum fault fault = FAULT_NONE;
    if (with_oprf) {
        keyring->oprf[0].epoch = 1;
        keyring->oprf_count = 1;
        fault = oprf_key_generate(&keyring->oprf[0].key);
    }
    if (fault)
        return why_set(why, fault, "cannot make an OPRF key");
    vault_format(vault);
    return vault_write(folder_fd, vault, why);
}

enum fault keyring_open(int folder_fd, enum keyring_making making, struct keyring **ret,
                        struct why *why)
{
    _cleanup_(free_vault) struct vault *vault = vault_new();
    if (!vault)
        return why_set(why, FAULT_MEMORY, "no memory for the keys");
    _cleanup_(close_fd) int fd = openat(folder_fd, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return why_set(why, FAULT_SYSTEM, "cannot open %s in the storage folder: %s", file_name,
                       strerror(errno));
    if (fd < 0 && making == KEYRING_MISSING)
        return why_set(why, FAULT_NOT_FOUND,
                       "%s is missing in the storage folder; restore it from a backup", file_name);
    enum fault fault = fd < 0 ? vault_create(folder_fd, vault, making == KEYRING_MADE, why)
                              : vault_load(fd, vault, why);
    if (fault)
        return fault;
    vault_forget_text(vault);
    *ret = &TAKE(vault)->keyring;
    return FAULT_NONE;
}

/* ---- Keys that come and go ---- */

static enum fault keyring_write(int folder_fd, const struct keyring *keyring, uint32_t without,
                                struct why *why)
{
    _cleanup_(free_vault) struct vault *vault = vault_new();
    if (!vault)
        return why_set(why, FAULT_MEMORY, "no memory for the keys");
    vault->keyring = *keyring;
    if (without != FORGOTTEN)
        keyring_forget(&vault->keyring, without);
    vault_format(vault);
    return vault_write(folder_fd, vault, why);
}

enum fault keyring_add(int folder_fd, struct keyring *keyring, uint32_t epoch, struct why *why)
{
    size_t count = keyring->oprf_count;
    if (keyring_oprf(keyring, epoch))
        return FAULT_NONE;
    if (count == KEYRING_EPOCHS_MAX)
        return why_set(why, FAULT_OVERLOADED, "%s has the keys of %zu epochs, and room for no more",
                       file_name, count);
    enum fault fault = oprf_key_generate(&keyring->oprf[count].key);
    if (fault)
        return why_set(why, fault, "cannot make an OPRF key");
    keyring->oprf[count].epoch = epoch;
    keyring->oprf_count++;
    fault = keyring_write(folder_fd, keyring, FORGOTTEN, why);
    if (fault) {
        keyring_forget(keyring, epoch);
        keyring->oprf_count = count;
    }
    return fault;
}

enum fault keyring_renew_noise(int folder_fd, struct keyring *keyring, struct why *why)
{
    uint8_t before[KEY_LENGTH];
    memcpy(before, keyring->noise, sizeof before);
    bytes_random(keyring->noise, sizeof keyring->noise);
    enum fault fault = keyring_write(folder_fd, keyring, FORGOTTEN, why);
    if (fault)
        memcpy(keyring->noise, before, sizeof before);
    bytes_wipe(before, sizeof before);
    return fault;
}

enum fault keyring_erase(int folder_fd, const struct keyring *keyring, uint32_t epoch,
                         struct why *why)
{
    return keyring_oprf(keyring, epoch) ? keyring_write(folder_fd, keyring, epoch, why)
                                        : FAULT_NONE;
}

void keyring_forget(struct keyring *keyring, uint32_t epoch)
{
    for (size_t i = 0; i < keyring->oprf_count; i++) {
        if (keyring->oprf[i].epoch == epoch) {
            keyring->oprf[i].epoch = FORGOTTEN;
            bytes_wipe(&keyring->oprf[i].key, sizeof keyring->oprf[i].key);
        }
    }
}
