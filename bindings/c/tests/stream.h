// Content that streams: functions that give some bytes, and take the same.
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct stream {
    const uint8_t *bytes;
    size_t len, at, largest;
};

static inline ptrdiff_t give(void *context, uint8_t *buffer, size_t capacity)
{
    struct stream *s = (struct stream *)context;
    size_t count = s->len - s->at;
    // In odd portions, as a pipe would.
    if (count > 99991) count = 99991;
    if (count > capacity) count = capacity;
    memcpy(buffer, s->bytes + s->at, count);
    s->at += count;
    return (ptrdiff_t)count;
}

static inline int take(void *context, const uint8_t *data, size_t len)
{
    struct stream *s = (struct stream *)context;
    if (s->at + len > s->len || memcmp(s->bytes + s->at, data, len) != 0) return -1;
    s->at += len;
    if (len > s->largest) s->largest = len;
    return 0;
}

#endif
