// Reads the conformance cases: JSON whose numbers are whole. Whatever it does not know ends the program.
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

struct json {
    enum json_kind kind;
    uint64_t number;    // also of a bool
    char *text;
    size_t len;         // of the text, which may hold NULs
    char *name;         // of a member of an object
    struct json *first; // of a list or object
    struct json *next;  // in it
};

static inline void json_refuse(const char *why)
{
    fprintf(stderr, "not JSON as expected: %s\n", why);
    exit(2);
}

static inline void json_skip(const char **at)
{
    while (**at == ' ' || **at == '\n' || **at == '\t' || **at == '\r') ++*at;
}

static inline unsigned json_hex4(const char *at)
{
    char digits[5] = {0};
    memcpy(digits, at, 4);
    return (unsigned)strtoul(digits, NULL, 16);
}

static inline size_t json_utf8(unsigned code, char *out)
{
    if (code < 0x80) return out[0] = (char)code, 1;
    if (code < 0x800) return out[0] = (char)(0xc0 | code >> 6), out[1] = (char)(0x80 | (code & 63)), 2;
    if (code < 0x10000)
        return out[0] = (char)(0xe0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 63)),
               out[2] = (char)(0x80 | (code & 63)), 3;
    return out[0] = (char)(0xf0 | code >> 18), out[1] = (char)(0x80 | (code >> 12 & 63)),
           out[2] = (char)(0x80 | (code >> 6 & 63)), out[3] = (char)(0x80 | (code & 63)), 4;
}

static inline char *json_string(const char **at, size_t *len)
{
    const char *end = ++*at;
    while (*end != '"' && *end != '\0') end += *end == '\\' ? 2 : 1;
    if (*end == '\0') json_refuse("a text without an end");
    // An escape is never shorter than what it stands for.
    char *text = (char *)malloc((size_t)(end - *at) + 1);
    if (text == NULL) abort();
    *len = 0;
    for (; *at < end; ++*at) {
        if (**at != '\\') {
            text[(*len)++] = **at;
            continue;
        }
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        const char *known = strchr(names, *++*at);
        if (known != NULL) {
            text[(*len)++] = values[known - names];
        } else if (**at == 'u') {
            unsigned code = json_hex4(*at + 1);
            *at += 4;
            if (code >= 0xd800 && code < 0xdc00) {
                code = 0x10000 + ((code - 0xd800) << 10) + (json_hex4(*at + 3) - 0xdc00);
                *at += 6;
            }
            *len += json_utf8(code, text + *len);
        } else {
            json_refuse("an unknown escape");
        }
    }
    text[*len] = '\0';
    *at = end + 1;
    return text;
}

static inline struct json *json_value(const char **at)
{
    struct json *value = (struct json *)calloc(1, sizeof *value), **last = &value->first;
    json_skip(at);
    if (**at == '"') {
        value->kind = JSON_TEXT;
        value->text = json_string(at, &value->len);
    } else if (**at == '{' || **at == '[') {
        bool object = **at == '{';
        char end = object ? '}' : ']';
        value->kind = object ? JSON_OBJECT : JSON_LIST;
        for (++*at, json_skip(at); **at != end; json_skip(at)) {
            char *name = NULL;
            size_t len;
            if (object) {
                name = json_string(at, &len);
                json_skip(at);
                if (*(*at)++ != ':') json_refuse("a member without a value");
            }
            *last = json_value(at);
            (*last)->name = name;
            last = &(*last)->next;
            json_skip(at);
            if (**at == ',') {
                ++*at;
                json_skip(at);
            } else if (**at != end) {
                json_refuse("a list without an end");
            }
        }
        ++*at;
    } else if (**at >= '0' && **at <= '9') {
        char *end;
        value->kind = JSON_NUMBER;
        value->number = strtoull(*at, &end, 10);
        *at = end;
        if (*end == '.' || *end == 'e' || *end == 'E') json_refuse("a number that is not whole");
    } else if (strncmp(*at, "true", 4) == 0 || strncmp(*at, "false", 5) == 0) {
        value->kind = JSON_BOOL;
        value->number = **at == 't';
        *at += value->number ? 4 : 5;
    } else if (strncmp(*at, "null", 4) == 0) {
        *at += 4;
    } else {
        json_refuse("an unknown value");
    }
    return value;
}

static inline void json_free(struct json *value)
{
    while (value != NULL) {
        struct json *next = value->next;
        json_free(value->first);
        free(value->text);
        free(value->name);
        free(value);
        value = next;
    }
}

static inline struct json *json_read(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    size_t len = (size_t)ftell(file);
    rewind(file);
    char *text = (char *)calloc(len + 1, 1);
    if (text == NULL || fread(text, 1, len, file) != len) abort();
    fclose(file);
    const char *at = text;
    struct json *value = json_value(&at);
    free(text);
    return value;
}

// The member of this name; NULL where there is none, or null stands there.
static inline const struct json *json_find(const struct json *object, const char *name)
{
    for (const struct json *member = object->first; member != NULL; member = member->next)
        if (strcmp(member->name, name) == 0) return member->kind == JSON_NULL ? NULL : member;
    return NULL;
}

static inline const char *json_text(const struct json *object, const char *name)
{
    const struct json *member = json_find(object, name);
    return member == NULL ? NULL : member->text;
}

static inline uint64_t json_number(const struct json *object, const char *name)
{
    const struct json *member = json_find(object, name);
    return member == NULL ? 0 : member->number;
}

#endif
