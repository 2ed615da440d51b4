// The bytes of the conformance cases: hexadecimal digits, or a pattern that is computed.
#ifndef BYTES_H
#define BYTES_H

#include "json.h"
#include <quantumsync.h>

struct bytes {
    uint8_t *data;
    size_t len;
};

static inline struct bytes unhex(const char *digits)
{
    struct bytes bytes = {NULL, digits == NULL ? 0 : strlen(digits) / 2};
    if (digits == NULL) return bytes;
    bytes.data = (uint8_t *)malloc(bytes.len + 1);
    if (bytes.data == NULL) abort();
    for (size_t i = 0; i < bytes.len; i++) {
        char pair[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
        bytes.data[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return bytes;
}

static inline bool same_bytes(const char *digits, qs_bytes bytes)
{
    struct bytes expected = unhex(digits);
    bool same = expected.len == bytes.len && (expected.data == NULL) == (bytes.data == NULL)
                && (bytes.len == 0 || memcmp(expected.data, bytes.data, bytes.len) == 0);
    free(expected.data);
    return same;
}

static inline struct bytes content_of(const struct json *content)
{
    uint64_t state = json_number(content, "pattern");
    struct bytes bytes = {NULL, (size_t)json_number(content, "length")};
    bytes.data = (uint8_t *)malloc(bytes.len + 1);
    if (bytes.data == NULL) abort();
    for (size_t i = 0; i < bytes.len; i++) {
        state = (state * 1103515245 + 12345) % (UINT64_C(1) << 31);
        bytes.data[i] = (uint8_t)(state / 65536);
    }
    return bytes;
}

#endif
