// The blocking client on a node of this process.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include "check.h"
#include "stream.h"
#include <unistd.h>

static void what_is_stored_is_got(void)
{
    struct world w = open_world();
    static const size_t sizes[] = {0, 1, 16384, 16385, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *bytes = some_bytes(sizes[i]);
        qs_stored stored;
        qs_buffer content;
        qs_got got;
        CHECK_OK(qs_client_store(w.client, "a file", bytes, sizes[i], NULL, &stored));
        CHECK(stored.size == sizes[i] && stored.copies == 1 && stored.wanted == 1);
        CHECK_OK(qs_client_get(w.client, "a file", NULL, &content, &got));
        CHECK(content.len == sizes[i] && (sizes[i] == 0 || memcmp(content.data, bytes, sizes[i]) == 0));
        CHECK(got.size == sizes[i] && got.info.size == sizes[i] && got.fresh);
        CHECK(strlen(got.info.version) == 32 && strcmp(got.info.version, stored.version) == 0);
        qs_buffer_free(&content);
        free(bytes);
    }
    close_world(&w);
}

static void a_part_of_a_file_is_that_part(void)
{
    struct world w = open_world();
    qs_buffer content;
    qs_get_options part = {7, 5, true};
    CHECK_OK(qs_client_store(w.client, "k", (const uint8_t *)"hello, peers", 12, NULL, NULL));
    CHECK_OK(qs_client_get(w.client, "k", &part, &content, NULL));
    CHECK(content.len == 5 && memcmp(content.data, "peers", 5) == 0);
    qs_buffer_free(&content);
    part.length = 0;
    part.offset = 10;
    CHECK_OK(qs_client_get(w.client, "k", &part, &content, NULL));
    CHECK(content.len == 2 && memcmp(content.data, "rs", 2) == 0);
    qs_buffer_free(&content);
    part.offset = 12;
    CHECK_RESULT(QS_BAD_RANGE, qs_client_get(w.client, "k", &part, &content, NULL));
    part.offset = UINT64_MAX;
    part.length = UINT64_MAX;
    CHECK_RESULT(QS_BAD_RANGE, qs_client_get(w.client, "k", &part, &content, NULL));
    CHECK(content.data == NULL && content.len == 0);
    close_world(&w);
}

static void content_streams_both_ways(void)
{
    struct world w = open_world();
    size_t len = 9000000;
    uint8_t *bytes = some_bytes(len);
    struct stream in = {bytes, len, 0, 0}, out = {bytes, len, 0, 0};
    CHECK_OK(qs_client_store_from(w.client, "k", give, &in, NULL, NULL));
    CHECK_OK(qs_client_get_to(w.client, "k", NULL, take, &out, NULL));
    CHECK(in.at == len && out.at == len && out.largest < len);
    free(bytes);
    close_world(&w);
}

static ptrdiff_t give_up_reading(void *context, uint8_t *buffer, size_t capacity)
{
    (void)buffer, (void)capacity;
    return *(ptrdiff_t *)context;
}

static int give_up_writing(void *context, const uint8_t *data, size_t len)
{
    (void)context, (void)data, (void)len;
    return 1;
}

static int give_up_listing(void *context, const qs_file *file)
{
    (void)context, (void)file;
    return 1;
}

static void a_function_of_the_callers_may_give_up(void)
{
    struct world w = open_world();
    ptrdiff_t gives_up = -1, lies = PTRDIFF_MAX;
    qs_buffer content;
    CHECK_RESULT(QS_INPUT, qs_client_store_from(w.client, "k", give_up_reading, &gives_up, NULL, NULL));
    CHECK_RESULT(QS_INPUT, qs_client_store_from(w.client, "k", give_up_reading, &lies, NULL, NULL));
    CHECK_RESULT(QS_NOT_FOUND, qs_client_get(w.client, "k", NULL, &content, NULL));
    CHECK_OK(qs_client_store(w.client, "k", (const uint8_t *)"x", 1, NULL, NULL));
    CHECK_RESULT(QS_OUTPUT, qs_client_get_to(w.client, "k", NULL, give_up_writing, NULL, NULL));
    CHECK_RESULT(QS_OUTPUT, qs_client_list(w.client, NULL, give_up_listing, NULL, NULL));
    // The client is as it was.
    CHECK_OK(qs_client_get(w.client, "k", NULL, &content, NULL));
    qs_buffer_free(&content);
    close_world(&w);
}

static int count_keys(void *context, const qs_file *file)
{
    size_t *counts = (size_t *)context;
    counts[0]++;
    counts[1] += strncmp(file->key, "photos/", 7) == 0;
    counts[2] += (size_t)file->info.size;
    return 0;
}

static void files_are_listed_deleted_and_cleared(void)
{
    struct world w = open_world();
    static const char *const keys[] = {"photos/1", "photos/2", "letter", "gr\xc3\xbc\xc3\x9f" "e"};
    qs_listed listed = {false};
    qs_written written;
    qs_info info;
    qs_buffer content;
    memset(&written, 0, sizeof written);
    for (size_t i = 0; i < 4; i++) CHECK_OK(qs_client_store(w.client, keys[i], (const uint8_t *)"abc", 3, NULL, NULL));
    size_t all[3] = {0, 0, 0}, photos[3] = {0, 0, 0}, rest[3] = {0, 0, 0};
    CHECK_OK(qs_client_list(w.client, NULL, count_keys, all, &listed));
    CHECK(all[0] == 4 && all[1] == 2 && all[2] == 12 && listed.complete);
    CHECK_OK(qs_client_info(w.client, "letter", NULL, &info));
    CHECK(info.size == 3 && info.expires_ms == 0 && info.modified_ms > 1500000000000u && strlen(info.version) == 32);
    CHECK_RESULT(QS_NOT_FOUND, qs_client_info(w.client, "nothing", NULL, &info));
    CHECK_OK(qs_client_list(w.client, "photos/", count_keys, photos, NULL));
    CHECK(photos[0] == 2 && photos[1] == 2);
    CHECK_OK(qs_client_delete(w.client, "photos/1", &written));
    CHECK(written.copies == 1 && written.wanted == 1 && strlen(written.version) == 32);
    CHECK_RESULT(QS_NOT_FOUND, qs_client_get(w.client, "photos/1", NULL, &content, NULL));
    CHECK_OK(qs_client_clear(w.client, NULL));
    CHECK_OK(qs_client_list(w.client, NULL, count_keys, rest, NULL));
    CHECK(rest[0] == 0);
    close_world(&w);
}

static void a_node_tells_of_itself(void)
{
    struct world w = open_world();
    qs_status status;
    CHECK_OK(qs_client_status(w.client, &status));
    CHECK(strcmp(status.node, qs_node_id(w.node)) == 0);
    CHECK(strcmp(status.address, qs_node_address(w.node)) == 0);
    CHECK(status.members == 1 && status.copies_missing == 0);
    close_world(&w);
}

static void another_vault_sees_nothing_and_a_client_without_one_may_not_ask(void)
{
    struct world w = open_world();
    qs_vault *other;
    qs_client *theirs, *nobodys;
    qs_buffer content;
    qs_status status;
    CHECK_OK(qs_client_store(w.client, "k", (const uint8_t *)"x", 1, NULL, NULL));
    CHECK_OK(qs_vault_create(&other));
    CHECK_OK(start_client(NULL, w.token, other, &theirs));
    CHECK_OK(start_client(NULL, w.token, NULL, &nobodys));
    CHECK_RESULT(QS_NOT_FOUND, qs_client_get(theirs, "k", NULL, &content, NULL));
    CHECK_RESULT(QS_FORBIDDEN, qs_client_get(nobodys, "k", NULL, &content, NULL));
    CHECK_OK(qs_client_status(nobodys, &status));
    qs_client_free(nobodys);
    qs_client_free(theirs);
    qs_vault_free(other);
    close_world(&w);
}

static void a_vault_and_a_node_may_be_freed_before_the_client(void)
{
    struct world w = open_world();
    CHECK_OK(qs_client_store(w.client, "k", (const uint8_t *)"x", 1, NULL, NULL));
    qs_vault_free(w.vault);
    w.vault = NULL;
    CHECK_OK(qs_client_delete(w.client, "k", NULL));
    qs_node_free(w.node);
    w.node = NULL;
    close_world(&w);
}

static void what_was_seen_is_remembered_in_a_home(void)
{
    char folder[] = "/tmp/quantumsync-test-XXXXXX", command[64], secret[64];
    struct world w = open_world();
    qs_client_options options = client_of(w.node, w.token, w.vault);
    qs_client *client;
    CHECK(mkdtemp(folder) != NULL);
    options.home = folder;
    CHECK_OK(qs_client_start(&options, &client));
    CHECK_OK(qs_client_store(client, "k", (const uint8_t *)"x", 1, NULL, NULL));
    qs_client_free(client);
    snprintf(secret, sizeof secret, "%s/device/secret", folder);
    CHECK(access(secret, R_OK) == 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    close_world(&w);
}

int main(void)
{
    RUN(what_is_stored_is_got);
    RUN(a_part_of_a_file_is_that_part);
    RUN(content_streams_both_ways);
    RUN(a_function_of_the_callers_may_give_up);
    RUN(files_are_listed_deleted_and_cleared);
    RUN(a_node_tells_of_itself);
    RUN(another_vault_sees_nothing_and_a_client_without_one_may_not_ask);
    RUN(a_vault_and_a_node_may_be_freed_before_the_client);
    RUN(what_was_seen_is_remembered_in_a_home);
    return finish();
}
