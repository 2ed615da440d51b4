// The sans-IO client: driven by the driver of examples/poll_client.c against a real node, and by hand against everything else.
#define main poll_client_main
#include "../examples/poll_client.c"
#undef main

#include "check.h"

// A machine of a network of its own, whose node is only as good as its address: nobody listens there.
struct lone {
    struct world world;
    qs_machine *machine;
    qs_rows *rows;
    qs_now now;
};

static struct lone open_lone(void)
{
    static const uint8_t device[32] = {1}, seed[32] = {2};
    static const char *const entry[] = {"192.0.2.1:4270"};
    struct lone lone;
    memset(&lone, 0, sizeof lone);
    lone.world = open_world();
    lone.now.unix_ms = 1800000000000u;
    qs_machine_options options = machine_of(lone.world.token, lone.world.vault);
    options.entry = entry;
    options.entry_count = 1;
    options.device = device;
    options.seed = seed;
    CHECK_OK(qs_machine_new(&options, lone.now, &lone.machine));
    CHECK_OK(qs_rows_new(&lone.rows));
    return lone;
}

static void close_lone(struct lone *lone)
{
    qs_machine_free(lone->machine);
    qs_rows_free(lone->rows);
    close_world(&lone->world);
}

// The next output of this kind; answers rows and jobs on the way to it.
static bool next_of(struct lone *lone, qs_output_tag tag, qs_output *output)
{
    for (;;) {
        CHECK_OK(qs_machine_poll_output(lone->machine, output));
        if (output->tag == tag) return true;
        switch (output->tag) {
        case QS_OUTPUT_NONE: return false;
        case QS_OUTPUT_READ_ROWS:
        case QS_OUTPUT_WRITE_ROWS: CHECK_OK(qs_rows_perform(lone->rows, lone->machine, lone->now, output)); break;
        case QS_OUTPUT_JOB:
            CHECK_OK(qs_job_run(output->u.job.job));
            CHECK_OK(qs_machine_handle_job(lone->machine, lone->now, output->u.job.job));
            break;
        default: break;
        }
        qs_output_free(output);
    }
}

static void a_file_goes_to_a_node_and_back_over_a_socket_of_the_callers(void)
{
    struct world w = open_world();
    qs_rows *rows;
    qs_machine *machine;
    struct link link = {-1, 0};
    uint64_t op;
    size_t len = 2000000, size = 0;
    uint8_t *bytes = some_bytes(len);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    CHECK_OK(qs_rows_new(&rows));
    CHECK_OK(new_machine(w.token, w.vault, qs_clock(), &machine));
    CHECK_OK(qs_machine_store(machine, qs_clock(), "photo.jpg", NULL, &op));
    CHECK_OK(drive(machine, rows, &link, op, bytes, len, NULL));
    CHECK_OK(qs_machine_get(machine, qs_clock(), "photo.jpg", NULL, &op));
    CHECK_OK(drive(machine, rows, &link, op, NULL, 0, out));
    fflush(out);
    CHECK(size == len && memcmp(text, bytes, len) == 0);
    CHECK_OK(qs_machine_list(machine, qs_clock(), NULL, &op));
    for (qs_output o; qs_machine_poll_output(machine, &o) == QS_OK && o.tag != QS_OUTPUT_NONE; qs_output_free(&o))
        if (o.tag == QS_OUTPUT_SEND) {
            CHECK(write(link.fd, o.u.send.bytes.data, o.u.send.bytes.len) == (ssize_t)o.u.send.bytes.len);
            CHECK_OK(qs_machine_handle_sent(machine, qs_clock(), link.conn, o.u.send.bytes.len));
        }
    CHECK_OK(qs_machine_cancel(machine, qs_clock(), op));
    CHECK_RESULT(QS_CANCELLED, drive(machine, rows, &link, op, NULL, 0, NULL));
    CHECK_OK(qs_machine_delete(machine, qs_clock(), "photo.jpg", &op));
    CHECK_OK(drive(machine, rows, &link, op, NULL, 0, NULL));
    CHECK_OK(qs_machine_get(machine, qs_clock(), "photo.jpg", NULL, &op));
    CHECK_RESULT(QS_NOT_FOUND, drive(machine, rows, &link, op, NULL, 0, NULL));
    CHECK_OK(qs_machine_clear(machine, qs_clock(), &op));
    CHECK_OK(drive(machine, rows, &link, op, NULL, 0, NULL));
    CHECK_OK(qs_machine_status(machine, qs_clock(), &op));
    CHECK_OK(drive(machine, rows, &link, op, NULL, 0, NULL));
    close(link.fd);
    fclose(out);
    free(text);
    free(bytes);
    qs_machine_free(machine);
    qs_rows_free(rows);
    close_world(&w);
}

static void an_operation_that_nobody_answers_ends_by_the_machines_own_deadlines(void)
{
    struct lone lone = open_lone();
    uint64_t op, due;
    qs_output o;
    bool ended = false;
    CHECK_OK(qs_machine_get(lone.machine, lone.now, "k", NULL, &op));
    for (int turn = 0; turn < 1000 && !ended; turn++) {
        if (next_of(&lone, QS_OUTPUT_DIAL, &o)) {
            CHECK(strcmp(o.u.dial.address, "192.0.2.1:4270") == 0 && strcmp(o.u.dial.host, "192.0.2.1") == 0);
            CHECK(strcmp(o.u.dial.port, "4270") == 0);
            CHECK_OK(qs_machine_handle_dial_failed(lone.machine, lone.now, o.u.dial.conn));
            qs_output_free(&o);
        }
        if (next_of(&lone, QS_OUTPUT_FAILED, &o)) {
            CHECK(o.u.failed.op == op && o.u.failed.result == QS_UNREACHABLE && o.u.failed.message[0] != '\0');
            qs_output_free(&o);
            ended = true;
        }
        CHECK_OK(qs_machine_poll_timeout(lone.machine, &due));
        if (due != QS_NEVER && due > lone.now.mono_us) lone.now.mono_us = due;
        CHECK_OK(qs_machine_handle_timeout(lone.machine, lone.now));
    }
    CHECK(ended);
    close_lone(&lone);
}

// Feeds `bytes` to a link that was just opened; whether the machine has closed it.
static bool feed(const uint8_t *bytes, size_t len, size_t portion)
{
    struct lone lone = open_lone();
    qs_output o;
    uint64_t op, conn;
    bool closed = false;
    CHECK_OK(qs_machine_get(lone.machine, lone.now, "k", NULL, &op));
    CHECK(next_of(&lone, QS_OUTPUT_DIAL, &o));
    conn = o.u.dial.conn;
    CHECK_OK(qs_machine_handle_connected(lone.machine, lone.now, conn, o.u.dial.address, NULL));
    qs_output_free(&o);
    for (size_t at = 0; at < len && !closed; at += portion) {
        size_t count = len - at < portion ? len - at : portion;
        CHECK_OK(qs_machine_handle_received(lone.machine, lone.now, conn, bytes + at, count));
        if (next_of(&lone, QS_OUTPUT_CLOSE, &o)) {
            CHECK(o.u.close.conn == conn);
            closed = true;
        }
        qs_output_free(&o);
    }
    // Whoever closed it, its end is the driver's to tell; once.
    CHECK_OK(qs_machine_handle_disconnected(lone.machine, lone.now, conn));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_disconnected(lone.machine, lone.now, conn));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_received(lone.machine, lone.now, conn, bytes, len));
    CHECK_OK(qs_machine_cancel(lone.machine, lone.now, op));
    next_of(&lone, QS_OUTPUT_FAILED, &o);
    qs_output_free(&o);
    close_lone(&lone);
    return closed;
}

static void hostile_bytes_end_the_link_and_nothing_else(void)
{
    size_t len = 300000;
    uint8_t *noise = some_bytes(len), *ones = (uint8_t *)malloc(len);
    memset(ones, 0xff, len);
    static const size_t portions[] = {1, 7, 300000};
    for (size_t i = 0; i < 3; i++) {
        CHECK(feed(noise, len, portions[i]));
        CHECK(feed(ones, len, portions[i]));
    }
    CHECK(!feed(noise, 0, 1));
    CHECK(!feed(noise, 1, 1));
    // A node that takes no link now says so by an empty frame: no fault of its.
    CHECK(!feed((const uint8_t *)"\0\0", 2, 1));
    free(noise);
    free(ones);
}

static void an_output_outlives_its_machine(void)
{
    struct lone lone = open_lone();
    qs_output dial, send;
    uint64_t op;
    CHECK_OK(qs_machine_get(lone.machine, lone.now, "k", NULL, &op));
    CHECK(next_of(&lone, QS_OUTPUT_DIAL, &dial));
    CHECK_OK(qs_machine_handle_connected(lone.machine, lone.now, dial.u.dial.conn, dial.u.dial.address, NULL));
    CHECK(next_of(&lone, QS_OUTPUT_SEND, &send));
    close_lone(&lone);
    uint64_t sum = 0;
    for (size_t i = 0; i < send.u.send.bytes.len; i++) sum += send.u.send.bytes.data[i];
    CHECK(sum > 0 && strcmp(dial.u.dial.host, "192.0.2.1") == 0);
    qs_output_free(&send);
    qs_output_free(&dial);
    CHECK(send.tag == QS_OUTPUT_NONE);
    qs_output_free(&send);
}

static void calls_that_break_the_contract_have_no_effect(void)
{
    struct lone lone = open_lone();
    qs_output o;
    uint64_t op, other;
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_received(lone.machine, lone.now, 77, (const uint8_t *)"x", 1));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_sent(lone.machine, lone.now, 77, 1));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_disconnected(lone.machine, lone.now, 77));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_dial_failed(lone.machine, lone.now, 77));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_connected(lone.machine, lone.now, 77, "192.0.2.1:1", NULL));
    CHECK_RESULT(QS_BAD_VALUE, qs_machine_handle_connected(lone.machine, lone.now, 77, "here", NULL));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_written(lone.machine, lone.now, 77));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_disk_failed(lone.machine, lone.now, 77));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_rows(lone.machine, lone.now, 77, NULL, 0));
    CHECK_RESULT(QS_MISUSE, qs_machine_provide(lone.machine, lone.now, 77, (const uint8_t *)"x", 1));
    CHECK_RESULT(QS_MISUSE, qs_machine_finish(lone.machine, lone.now, 77));
    CHECK_RESULT(QS_MISUSE, qs_machine_consumed(lone.machine, lone.now, 77, 1));
    CHECK_OK(qs_machine_cancel(lone.machine, lone.now, 77));
    CHECK_OK(qs_machine_handle_timeout(lone.machine, lone.now));

    // A store takes what it asked for, and no more.
    CHECK_OK(qs_machine_store(lone.machine, lone.now, "k", NULL, &op));
    CHECK_OK(qs_machine_get(lone.machine, lone.now, "k", NULL, &other));
    CHECK(op != other);
    CHECK(next_of(&lone, QS_OUTPUT_DIAL, &o));
    CHECK_RESULT(QS_MISUSE, qs_rows_perform(lone.rows, lone.machine, lone.now, &o));
    qs_output_free(&o);
    CHECK_RESULT(QS_MISUSE, qs_machine_finish(lone.machine, lone.now, other));
    close_lone(&lone);
}

static void a_job_is_run_once_and_given_back_once(void)
{
    struct lone lone = open_lone();
    uint8_t *bytes = some_bytes(1 << 20);
    qs_output need, job;
    uint64_t op;
    CHECK_OK(qs_machine_store(lone.machine, lone.now, "k", NULL, &op));
    CHECK(next_of(&lone, QS_OUTPUT_NEED_DATA, &need));
    CHECK(need.u.need_data.op == op && need.u.need_data.max <= 1 << 20);
    CHECK_OK(qs_machine_provide(lone.machine, lone.now, op, bytes, need.u.need_data.max));
    qs_output_free(&need);
    CHECK_OK(qs_machine_finish(lone.machine, lone.now, op));
    CHECK(next_of(&lone, QS_OUTPUT_JOB, &job));
    qs_job *work = job.u.job.job;
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_job(lone.machine, lone.now, work));
    CHECK_OK(qs_job_run(work));
    CHECK_RESULT(QS_MISUSE, qs_job_run(work));
    CHECK_OK(qs_machine_handle_job(lone.machine, lone.now, work));
    CHECK_RESULT(QS_MISUSE, qs_machine_handle_job(lone.machine, lone.now, work));
    qs_output_free(&job);
    CHECK_RESULT(QS_BAD_HANDLE, qs_job_run(work));
    CHECK_RESULT(QS_BAD_HANDLE, qs_machine_handle_job(lone.machine, lone.now, work));
    free(bytes);
    close_lone(&lone);
}

static void a_key_that_is_none_fails_its_operation(void)
{
    struct lone lone = open_lone();
    char *huge = (char *)malloc(1 << 20);
    memset(huge, 'k', 1 << 20);
    huge[(1 << 20) - 1] = '\0';
    const char *const keys[] = {"", huge};
    for (size_t i = 0; i < 2; i++) {
        qs_output o;
        uint64_t op;
        CHECK_OK(qs_machine_store(lone.machine, lone.now, keys[i], NULL, &op));
        CHECK(next_of(&lone, QS_OUTPUT_FAILED, &o));
        CHECK(o.u.failed.op == op && o.u.failed.result == QS_BAD_KEY);
        qs_output_free(&o);
    }
    uint64_t op;
    CHECK_RESULT(QS_BAD_VALUE, qs_machine_store(lone.machine, lone.now, "\xff", NULL, &op));
    CHECK(op == 0);
    free(huge);
    close_lone(&lone);
}

static void the_same_seeds_give_the_same_bytes(void)
{
    static const uint8_t device[32] = {1}, seed[32] = {2}, entropy[32] = {3};
    struct world w = open_world();
    qs_now now = {0, 1800000000000u};
    qs_output sent[2];
    for (int i = 0; i < 2; i++) {
        qs_machine_options options = machine_of(w.token, w.vault);
        struct lone lone;
        uint64_t op;
        memset(&lone, 0, sizeof lone);
        options.device = device;
        options.seed = seed;
        lone.now = now;
        CHECK_OK(qs_machine_new(&options, now, &lone.machine));
        CHECK_OK(qs_rows_new(&lone.rows));
        CHECK_OK(qs_machine_get(lone.machine, now, "k", NULL, &op));
        CHECK(next_of(&lone, QS_OUTPUT_DIAL, &sent[i]));
        CHECK_OK(qs_machine_handle_connected(lone.machine, now, sent[i].u.dial.conn, sent[i].u.dial.address, entropy));
        qs_output_free(&sent[i]);
        CHECK(next_of(&lone, QS_OUTPUT_SEND, &sent[i]));
        qs_machine_free(lone.machine);
        qs_rows_free(lone.rows);
    }
    CHECK(sent[0].u.send.bytes.len == sent[1].u.send.bytes.len && sent[0].u.send.bytes.len > 0);
    CHECK(memcmp(sent[0].u.send.bytes.data, sent[1].u.send.bytes.data, sent[0].u.send.bytes.len) == 0);
    qs_output_free(&sent[0]);
    qs_output_free(&sent[1]);
    close_world(&w);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    RUN(a_file_goes_to_a_node_and_back_over_a_socket_of_the_callers);
    RUN(an_operation_that_nobody_answers_ends_by_the_machines_own_deadlines);
    RUN(hostile_bytes_end_the_link_and_nothing_else);
    RUN(an_output_outlives_its_machine);
    RUN(calls_that_break_the_contract_have_no_effect);
    RUN(a_job_is_run_once_and_given_back_once);
    RUN(a_key_that_is_none_fails_its_operation);
    RUN(the_same_seeds_give_the_same_bytes);
    return finish();
}
