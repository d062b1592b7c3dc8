/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz.h"
#include "util/cleanup.h"
#include "util/number.h"

/* The input: a digit, the number of places; then the text. */

enum { PLACES_MAX = 9, CERTAIN_DIGITS = 19 /* any number of so many digits fits */ };

/* Whether the text is well-formed; how many digits its number has in units of 10^-places. */
static bool text_is_number(const char *text, unsigned places, size_t *ret_digits)
{
    static const char digits[] = "0123456789";
    const char *whole = text + strspn(text, "0");
    size_t whole_length = strspn(whole, digits);
    const char *rest = whole + whole_length;
    *ret_digits = whole_length + places;
    if (rest == text)
        return false;
    if (*rest != '.')
        return *rest == '\0';
    size_t decimals = strspn(rest + 1, digits);
    return decimals >= 1 && decimals <= places && rest[1 + decimals] == '\0';
}

/* Writes the number without needless zeros, as a shopkeeper would. */
static void number_write(uint64_t number, unsigned places, char ret[48])
{
    char digits[32];
    int length =
        snprintf(digits, sizeof digits, "%0*llu", (int)places + 1, (unsigned long long)number);
    int whole = length - (int)places;
    snprintf(ret, 48, "%.*s%s%s", whole, digits, places ? "." : "", digits + whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct input input = {bytes, length};
    unsigned places = input_byte(&input) % 10;
    _cleanup_(free_pointer) char *text = input_text(&input);
    uint64_t number = 0, again = 0, whole = 0;
    size_t digits = 0;
    bool well_formed = text_is_number(text, places, &digits);
    if (!number_parse_fixed(text, places, 0, UINT64_MAX, &number)) {
        PROPERTY(!well_formed || digits > CERTAIN_DIGITS);
        return 0;
    }
    PROPERTY(well_formed);
    PROPERTY(number_parse_fixed(text, places, number, number, &again) && again == number);
    PROPERTY(number == 0 || !number_parse_fixed(text, places, 0, number - 1, &again));
    PROPERTY(number == UINT64_MAX ||
             !number_parse_fixed(text, places, number + 1, UINT64_MAX, &again));
    char written[48];
    number_write(number, places, written);
    PROPERTY(number_parse_fixed(written, places, 0, UINT64_MAX, &again) && again == number);
    const char *without_zeros = text + strspn(text, "0");
    if (strlen(without_zeros) == strlen(written))
        PROPERTY(strcmp(without_zeros, written) == 0);
    PROPERTY(number_parse(text, 0, UINT64_MAX, &whole) ==
             (strchr(text, '.') == NULL && digits - places <= 20 && places <= PLACES_MAX &&
              number_parse_fixed(text, 0, 0, UINT64_MAX, &again)));
    return 0;
}
