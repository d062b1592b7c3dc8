/* SPDX-License-Identifier: Apache-2.0 */
#include "client/address.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "util/cleanup.h"

static void url_done(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void part_done(char **part)
{
    curl_free(*part);
}

static bool url_has(CURLU *url, CURLUPart part)
{
    _cleanup_(part_done) char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK;
}

static bool host_is_loopback(CURLU *url)
{
    _cleanup_(part_done) char *host = NULL;
    struct in_addr ipv4;
    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return false;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &ipv4) == 1 && ntohl(ipv4.s_addr) >> 24 == 127;
}

static enum fault scheme_check(CURLU *url, const char *text, bool insecure, struct why *why)
{
    _cleanup_(part_done) char *scheme = NULL;
    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "\"%.100s\" is not the address of a coordinator: it must begin with "
                       "https://.",
                       text);
    if (strcmp(scheme, "http") == 0 && !insecure && !host_is_loopback(url))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "http:// sends your token in the clear. Use https://, or permit it with "
                       "--insecure on a network that you trust.");
    return FAULT_NONE;
}

enum fault address_parse(const char *text, bool insecure, char ret[ADDRESS_SIZE], struct why *why)
{
    _cleanup_(url_done) CURLU *url = curl_url();
    _cleanup_(part_done) char *normal = NULL;
    if (!url)
        return FAULT_MEMORY;
    if (curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) != CURLUE_OK)
        return why_set(why, FAULT_INVALID_REQUEST,
                       "\"%.100s\" is not the address of a coordinator. One looks like "
                       "https://fed.example.org.",
                       text);
    enum fault fault = scheme_check(url, text, insecure, why);
    if (fault)
        return fault;
    if (url_has(url, CURLUPART_QUERY) || url_has(url, CURLUPART_FRAGMENT))
        return why_set(why, FAULT_INVALID_REQUEST,
                       "The address of a coordinator has neither ? nor #. One looks like "
                       "https://fed.example.org.");
    if (curl_url_get(url, CURLUPART_URL, &normal, 0) != CURLUE_OK)
        return FAULT_MEMORY;
    size_t length = strlen(normal);
    while (length && normal[length - 1] == '/')
        length--;
    if (length >= ADDRESS_SIZE)
        return why_set(why, FAULT_INVALID_REQUEST, "The address is longer than %d characters.",
                       ADDRESS_SIZE - 1);
    memcpy(ret, normal, length);
    ret[length] = '\0';
    return FAULT_NONE;
}

bool address_is_loopback(const char *text)
{
    _cleanup_(url_done) CURLU *url = curl_url();
    return url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK && host_is_loopback(url);
}
