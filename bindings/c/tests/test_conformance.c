// Plays the cases that every binding plays: test_conformance FOLDER. How a case is played stands in the README of that folder.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include "bytes.h"
#include "check.h"
#include "json.h"

#include <ftw.h>

enum { MOST = 256 };

static const struct json *current;

static bool same_text(const char *expected, const char *text)
{
    return expected != NULL && text != NULL && strcmp(expected, text) == 0;
}

static void a_vault(void)
{
    const char *words = json_text(current, "words"), *error = json_text(current, "error");
    qs_vault *vault;
    qs_result result;
    if (words != NULL) {
        result = qs_vault_from_words(words, &vault);
    } else {
        struct bytes file = unhex(json_text(current, "file"));
        result = qs_vault_unlock(file.data, file.len, json_text(current, "passphrase"), &vault);
        free(file.data);
    }
    if (error != NULL) {
        CHECK(same_text(error, qs_result_name(result)) && vault == NULL);
        return;
    }
    char *owner = NULL;
    CHECK_OK(result);
    CHECK_OK(qs_vault_owner(vault, &owner));
    CHECK(same_text(json_text(current, "owner"), owner));
    qs_string_free(owner);
    qs_vault_free(vault);
}

static void an_error(void)
{
    int number = 0;
    while (number < 1000 && !same_text(json_text(current, "code"), qs_result_name(number))) number++;
    CHECK(number < 1000 && number != QS_FAILED);
}

// A client that is played, and what it called the links and requests of the case.
struct play {
    qs_machine *machine;
    qs_now now;
    uint64_t conns[MOST], tickets[MOST];
    qs_output jobs[MOST];    // by their ticket
    size_t conn_count, ticket_count;
};

static qs_now time_of(const struct json *at)
{
    qs_now now = {at->first->number, at->first->next->number};
    return now;
}

static qs_result begin(struct play *play, const struct json *call, const char *type, uint64_t *op)
{
    const struct json *given = json_find(call, "key"), *first = json_find(call, "first"), *last = json_find(call, "last");
    // A text of C cannot hold a NUL; the empty one is no key either.
    const char *key = given == NULL ? NULL : strlen(given->text) == given->len ? given->text : "";
    qs_store_options store = {json_number(call, "ttl_ms"), json_number(call, "modified_ms")};
    uint64_t offset = first == NULL ? 0 : first->number;
    qs_get_options get = {offset, last == NULL ? 0 : last->number - offset + 1, json_number(call, "fresh") != 0};
    if (strcmp(type, "store") == 0) return qs_machine_store(play->machine, play->now, key, &store, op);
    if (strcmp(type, "get") == 0) return qs_machine_get(play->machine, play->now, key, &get, op);
    if (strcmp(type, "delete") == 0) return qs_machine_delete(play->machine, play->now, key, op);
    if (strcmp(type, "clear") == 0) return qs_machine_clear(play->machine, play->now, op);
    if (strcmp(type, "list") == 0) return qs_machine_list(play->machine, play->now, json_text(call, "prefix"), op);
    if (strcmp(type, "status") == 0) return qs_machine_status(play->machine, play->now, op);
    CHECK(!"a call that this runner does not know");
    return QS_FAILED;
}

static qs_result provide(struct play *play, const struct json *call, uint64_t op)
{
    const struct json *content = json_find(call, "content");
    struct bytes bytes = content != NULL ? content_of(content) : unhex(json_text(call, "data"));
    qs_result result = qs_machine_provide(play->machine, play->now, op, bytes.data, bytes.len);
    free(bytes.data);
    return result;
}

static qs_result answer_rows(struct play *play, const struct json *call, uint64_t ticket)
{
    qs_bytes values[MOST];
    size_t count = 0;
    for (const struct json *value = json_find(call, "values")->first; value != NULL; value = value->next, count++) {
        struct bytes bytes = unhex(value->text);
        values[count].data = bytes.data;
        values[count].len = bytes.len;
    }
    qs_result result = qs_machine_handle_rows(play->machine, play->now, ticket, values, count);
    for (size_t i = 0; i < count; i++) free((void *)(uintptr_t)values[i].data);
    return result;
}

static qs_result make_call(struct play *play, const struct json *call, uint64_t *begun)
{
    qs_machine *machine = play->machine;
    qs_now now = play->now;
    const char *type = json_text(call, "type");
    uint64_t op = json_number(call, "op"), conn = play->conns[json_number(call, "conn")];
    size_t number = (size_t)json_number(call, "ticket"), count = (size_t)json_number(call, "count");
    uint64_t ticket = play->tickets[number];
    if (strcmp(type, "provide") == 0) return provide(play, call, op);
    if (strcmp(type, "finish") == 0) return qs_machine_finish(machine, now, op);
    if (strcmp(type, "cancel") == 0) return qs_machine_cancel(machine, now, op);
    if (strcmp(type, "consumed") == 0) return qs_machine_consumed(machine, now, op, count);
    if (strcmp(type, "close") == 0) return qs_machine_close(machine, now);
    if (strcmp(type, "timeout") == 0) return qs_machine_handle_timeout(machine, now);
    if (strcmp(type, "dial_failed") == 0) return qs_machine_handle_dial_failed(machine, now, conn);
    if (strcmp(type, "disconnected") == 0) return qs_machine_handle_disconnected(machine, now, conn);
    if (strcmp(type, "sent") == 0) return qs_machine_handle_sent(machine, now, conn, count);
    if (strcmp(type, "rows") == 0) return answer_rows(play, call, ticket);
    if (strcmp(type, "written") == 0) return qs_machine_handle_written(machine, now, ticket);
    if (strcmp(type, "disk_failed") == 0) return qs_machine_handle_disk_failed(machine, now, ticket);
    if (strcmp(type, "connected") == 0 || strcmp(type, "received") == 0) {
        struct bytes bytes = unhex(json_text(call, *type == 'c' ? "entropy" : "data"));
        qs_result result =
            *type == 'c' ? qs_machine_handle_connected(machine, now, conn, json_text(call, "address"), bytes.data)
                         : qs_machine_handle_received(machine, now, conn, bytes.data, bytes.len);
        free(bytes.data);
        return result;
    }
    if (strcmp(type, "job") == 0) {
        qs_job *job = play->jobs[number].u.job.job;
        CHECK_OK(qs_job_run(job));
        qs_result result = qs_machine_handle_job(machine, now, job);
        qs_output_free(&play->jobs[number]);
        return result;
    }
    return begin(play, call, type, begun);
}

static bool same_file(const struct json *expected, const qs_file *file)
{
    return same_text(json_text(expected, "key"), file->key) && json_number(expected, "size") == file->info.size
           && json_number(expected, "modified_ms") == file->info.modified_ms
           && json_number(expected, "expires_ms") == file->info.expires_ms
           && same_text(json_text(expected, "version"), file->info.version);
}

static bool same_outcome(const struct json *expected, const qs_outcome *outcome)
{
    switch (outcome->tag) {
    case QS_OUTCOME_STORED:
        return json_number(expected, "size") == outcome->u.stored.size
               && json_number(expected, "copies") == outcome->u.stored.copies
               && json_number(expected, "wanted") == outcome->u.stored.wanted
               && json_number(expected, "sent_bytes") == outcome->u.stored.sent_bytes
               && same_text(json_text(expected, "version"), outcome->u.stored.version);
    case QS_OUTCOME_DELIVERED: {
        const struct json *source = json_find(expected, "sources")->first;
        for (size_t i = 0; i < outcome->u.delivered.source_count; i++, source = source->next)
            if (source == NULL || !same_text(source->first->text, outcome->u.delivered.sources[i].node)
                || source->first->next->number != outcome->u.delivered.sources[i].bytes)
                return false;
        return source == NULL && json_number(expected, "size") == outcome->u.delivered.size
               && json_number(expected, "fresh") == outcome->u.delivered.fresh;
    }
    case QS_OUTCOME_WRITTEN:
        return json_number(expected, "copies") == outcome->u.written.copies
               && json_number(expected, "wanted") == outcome->u.written.wanted
               && same_text(json_text(expected, "version"), outcome->u.written.version);
    case QS_OUTCOME_LISTED: return json_number(expected, "complete") == outcome->u.listed.complete;
    default: return false;
    }
}

static bool same_keys(const struct json *expected, const qs_bytes *keys, size_t count)
{
    const struct json *key = expected->first;
    for (size_t i = 0; i < count; i++, key = key->next)
        if (key == NULL || !same_bytes(key->text, keys[i])) return false;
    return key == NULL;
}

static bool same_rows(const struct json *expected, const qs_row *rows, size_t count)
{
    const struct json *row = expected->first;
    for (size_t i = 0; i < count; i++, row = row->next)
        if (row == NULL || !same_bytes(row->first->text, rows[i].key) || !same_bytes(row->first->next->text, rows[i].value))
            return false;
    return row == NULL;
}

static bool same_files(const struct json *expected, const qs_file *files, size_t count)
{
    const struct json *file = expected->first;
    for (size_t i = 0; i < count; i++, file = file->next)
        if (file == NULL || !same_file(file, &files[i])) return false;
    return file == NULL;
}

static bool is_new_ticket(struct play *play, const struct json *expected, uint64_t ticket)
{
    play->tickets[play->ticket_count] = ticket;
    return json_number(expected, "ticket") == play->ticket_count++;
}

static bool same_output(struct play *play, const struct json *expected, qs_output *o)
{
    static const char *const types[] = {"none", "dial", "send", "close", "read_rows", "write_rows", "job", "connected",
                                        "disconnected", "need_data", "found", "data", "entries", "done", "failed"};
    uint64_t op = json_number(expected, "op"), conn = play->conns[json_number(expected, "conn")];
    if (!same_text(json_text(expected, "type"), types[o->tag])) return false;
    switch (o->tag) {
    case QS_OUTPUT_DIAL:
        play->conns[play->conn_count] = o->u.dial.conn;
        return json_number(expected, "conn") == play->conn_count++
               && same_text(json_text(expected, "address"), o->u.dial.address);
    case QS_OUTPUT_SEND: return conn == o->u.send.conn && same_bytes(json_text(expected, "data"), o->u.send.bytes);
    case QS_OUTPUT_CLOSE: return conn == o->u.close.conn;
    case QS_OUTPUT_READ_ROWS:
        return is_new_ticket(play, expected, o->u.read_rows.ticket)
               && same_keys(json_find(expected, "keys"), o->u.read_rows.keys, o->u.read_rows.count);
    case QS_OUTPUT_WRITE_ROWS:
        return is_new_ticket(play, expected, o->u.write_rows.ticket)
               && same_rows(json_find(expected, "rows"), o->u.write_rows.rows, o->u.write_rows.count);
    case QS_OUTPUT_JOB:
        // Kept until it is run.
        play->jobs[play->ticket_count] = *o;
        o->owner = NULL;
        return is_new_ticket(play, expected, 0);
    case QS_OUTPUT_CONNECTED:
        return same_text(json_text(expected, "node"), o->u.connected.node)
               && same_text(json_text(expected, "address"), o->u.connected.address);
    case QS_OUTPUT_DISCONNECTED: {
        const char *error = json_text(expected, "error");
        return same_text(error == NULL ? "ok" : error, qs_result_name(o->u.disconnected.result));
    }
    case QS_OUTPUT_NEED_DATA: return op == o->u.need_data.op && json_number(expected, "max") == o->u.need_data.max;
    case QS_OUTPUT_FOUND: return op == o->u.found.op && same_file(json_find(expected, "file"), &o->u.found.file);
    case QS_OUTPUT_DATA:
        return op == o->u.data.op && json_number(expected, "offset") == o->u.data.offset
               && same_bytes(json_text(expected, "data"), o->u.data.bytes);
    case QS_OUTPUT_ENTRIES:
        return op == o->u.entries.op && same_files(json_find(expected, "files"), o->u.entries.files, o->u.entries.count);
    case QS_OUTPUT_DONE: return op == o->u.done.op && same_outcome(json_find(expected, "result"), &o->u.done.outcome);
    case QS_OUTPUT_FAILED:
        return op == o->u.failed.op && same_text(json_text(expected, "error"), qs_result_name(o->u.failed.result));
    default: return false;
    }
}

static void play_step(struct play *play, const struct json *step, int number)
{
    const struct json *op = json_find(step, "op"), *due = json_find(step, "timeout_us");
    const char *error = json_text(step, "error");
    uint64_t begun = 0, due_us;
    qs_output output;
    play->now = time_of(json_find(step, "now"));
    qs_result result = make_call(play, json_find(step, "call"), &begun);
    bool as_expected = same_text(error == NULL ? "ok" : error, qs_result_name(result));
    as_expected &= op == NULL || op->number == begun;
    const struct json *expected = json_find(step, "outputs")->first;
    for (;; expected = expected->next) {
        CHECK_OK(qs_machine_poll_output(play->machine, &output));
        if (output.tag == QS_OUTPUT_NONE || expected == NULL) break;
        as_expected &= same_output(play, expected, &output);
        qs_output_free(&output);
    }
    as_expected &= expected == NULL && output.tag == QS_OUTPUT_NONE;
    qs_output_free(&output);
    CHECK_OK(qs_machine_poll_timeout(play->machine, &due_us));
    as_expected &= due_us == (due == NULL ? QS_NEVER : due->number);
    if (!as_expected) printf("step %d, %s, is not as expected\n", number, json_text(json_find(step, "call"), "type"));
    CHECK(as_expected);
}

static void a_client(void)
{
    struct play *play = (struct play *)calloc(1, sizeof *play);
    struct bytes device = unhex(json_text(current, "device")), seed = unhex(json_text(current, "seed"));
    qs_vault *vault;
    if (play == NULL) abort();
    CHECK_OK(qs_vault_from_words(json_text(current, "words"), &vault));
    qs_machine_options options = machine_of(json_text(current, "token"), vault);
    options.device = device.data;
    options.seed = seed.data;
    CHECK_OK(qs_machine_new(&options, time_of(json_find(current, "now")), &play->machine));
    qs_vault_free(vault);
    int number = 0;
    for (const struct json *step = json_find(current, "steps")->first; step != NULL; step = step->next)
        play_step(play, step, number++);
    for (size_t i = 0; i < MOST; i++) qs_output_free(&play->jobs[i]);
    qs_machine_free(play->machine);
    free(device.data);
    free(seed.data);
    free(play);
}

// Smaller blobs lie inside of a node's index; these are files, whose paths spell their ids.
enum { LARGE = 65536 };

static const struct json *large_blob_at(const char *path, off_t size)
{
    char digits[4096];
    size_t len = 0;
    for (; *path != '\0' && len + 1 < sizeof digits; path++)
        if (*path != '/') digits[len++] = *path;
    digits[len] = '\0';
    for (const struct json *blob = json_find(current, "blobs")->first; blob != NULL; blob = blob->next)
        if (strstr(digits, json_text(blob, "id") + 32) != NULL && json_number(blob, "length") == (uint64_t)size) return blob;
    return NULL;
}

static int files_found;

static int look_at_file(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)place;
    if (kind != FTW_F) return 0;
    files_found++;
    CHECK(status->st_size >= LARGE && large_blob_at(path, status->st_size) != NULL);
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

// A store leaves on its node's disk the blobs that sealing gives in other languages.
static void a_sealed_file(void)
{
    char home[] = "/tmp/quantumsync-XXXXXX", blobs[64];
    qs_node_options options;
    qs_node *node;
    qs_vault *vault;
    qs_client *client;
    qs_buffer copy;
    struct bytes content = content_of(json_find(current, "content"));
    const char *key = json_text(current, "key");
    CHECK(mkdtemp(home) != NULL);
    memset(&options, 0, sizeof options);
    options.home = home;
    CHECK_OK(qs_node_start(&options, &node));
    CHECK_OK(qs_vault_from_words(json_text(current, "words"), &vault));
    CHECK_OK(start_client(node, NULL, vault, &client));
    CHECK_OK(qs_client_store(client, key, content.data, content.len, NULL, NULL));
    CHECK_OK(qs_client_get(client, key, NULL, &copy, NULL));
    CHECK(copy.len == content.len && (copy.len == 0 || memcmp(copy.data, content.data, copy.len) == 0));
    qs_buffer_free(&copy);
    qs_client_free(client);
    qs_vault_free(vault);
    qs_node_free(node);
    free(content.data);

    int large = 0;
    for (const struct json *blob = json_find(current, "blobs")->first; blob != NULL; blob = blob->next)
        large += json_number(blob, "length") >= LARGE;
    files_found = 0;
    snprintf(blobs, sizeof blobs, "%s/node/blobs", home);
    CHECK(nftw(blobs, look_at_file, 16, FTW_PHYS) == 0 && files_found == large);
    CHECK(nftw(home, remove_entry, 16, FTW_PHYS | FTW_DEPTH) == 0);
}

static void play_file(const char *folder, const char *name, void (*play)(void))
{
    struct json *file = json_read(folder, name);
    if (json_number(file, "format") != 1) json_refuse("a format that this runner does not know");
    for (current = json_find(file, "cases")->first; current != NULL; current = current->next)
        run(json_text(current, "name"), play);
    json_free(file);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    play_file(argv[1], "vault.json", a_vault);
    play_file(argv[1], "errors.json", an_error);
    play_file(argv[1], "client.json", a_client);
    play_file(argv[1], "seal.json", a_sealed_file);
    return finish();
}
