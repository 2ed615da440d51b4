// Thousands of operations, and nothing is left of them: memory, threads, descriptors, handles; and what happens where memory ends.
#define main poll_client_main
#include "../examples/poll_client.c"
#undef main

#include "check.h"
#include <dirent.h>
#include <sys/resource.h>

// Bytes of this process in memory.
static size_t resident(void)
{
    unsigned long all = 0, in_memory = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%lu %lu", &all, &in_memory) == 2);
    if (file != NULL) fclose(file);
    return in_memory * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t entries_of(const char *folder)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    CHECK(dir != NULL);
    if (dir == NULL) return 0;
    while (readdir(dir) != NULL) count++;
    closedir(dir);
    return count;
}

static int any_file(void *context, const qs_file *file)
{
    (void)context, (void)file;
    return 0;
}

static void operate(struct world *w, int count)
{
    uint8_t bytes[1000] = {0};
    for (int turn = 0; turn < count; turn++) {
        char key[16];
        qs_buffer content;
        snprintf(key, sizeof key, "key %d", turn % 10);
        CHECK_OK(qs_client_store(w->client, key, bytes, sizeof bytes, NULL, NULL));
        CHECK_OK(qs_client_get(w->client, key, NULL, &content, NULL));
        CHECK(content.len == sizeof bytes);
        qs_buffer_free(&content);
        CHECK_RESULT(QS_NOT_FOUND, qs_client_get(w->client, "nothing", NULL, &content, NULL));
        CHECK_OK(qs_client_list(w->client, NULL, any_file, NULL, NULL));
    }
}

static void ten_thousand_operations_leave_nothing_behind(void)
{
    struct world w = open_world();
    // What is made once, buffers and caches, is made here.
    operate(&w, 500);
    size_t memory = resident(), threads = entries_of("/proc/self/task"), files = entries_of("/proc/self/fd");
    operate(&w, 2500);
    CHECK(resident() < memory + (16 << 20));
    CHECK(entries_of("/proc/self/task") == threads && entries_of("/proc/self/fd") == files);
    close_world(&w);
}

static void come_and_go(struct world *w, int count)
{
    for (int turn = 0; turn < count; turn++) {
        qs_client *client;
        qs_machine *machine;
        qs_rows *rows;
        uint64_t op;
        struct link link = {-1, 0};
        CHECK_OK(start_client(NULL, w->token, w->vault, &client));
        CHECK_OK(qs_client_store(client, "key", (const uint8_t *)"x", 1, NULL, NULL));
        qs_client_free(client);
        CHECK_OK(qs_rows_new(&rows));
        CHECK_OK(new_machine(w->token, w->vault, qs_clock(), &machine));
        CHECK_OK(qs_machine_delete(machine, qs_clock(), "key", &op));
        CHECK_OK(drive(machine, rows, &link, op, NULL, 0, NULL));
        // Freed in the middle of another operation.
        CHECK_OK(qs_machine_get(machine, qs_clock(), "key", NULL, &op));
        close(link.fd);
        qs_machine_free(machine);
        qs_rows_free(rows);
    }
}

static void clients_and_machines_that_come_and_go_leave_nothing_behind(void)
{
    struct world w = open_world();
    come_and_go(&w, 20);
    size_t memory = resident(), threads = entries_of("/proc/self/task"), files = entries_of("/proc/self/fd");
    size_t handles = qs_handle_count();
    come_and_go(&w, 150);
    CHECK(resident() < memory + (16 << 20));
    CHECK(entries_of("/proc/self/task") == threads && qs_handle_count() == handles);
    // The node may not have closed its ends yet.
    CHECK(entries_of("/proc/self/fd") <= files + 2);
    close_world(&w);
}

static ptrdiff_t give_zeros(void *context, uint8_t *buffer, size_t capacity)
{
    size_t *left = (size_t *)context, count = *left < capacity ? *left : capacity;
    memset(buffer, 0, count);
    *left -= count;
    return (ptrdiff_t)count;
}

static void a_file_for_which_there_is_no_memory_is_an_error(void)
{
    struct world w = open_world();
    size_t len = (size_t)256 << 20, left = len;
    qs_buffer content;
    struct rlimit before, tight;
    unsigned long pages = 0;
    qs_get_options part = {len / 2, 1000, false};
    CHECK_OK(qs_client_store_from(w.client, "zeros", give_zeros, &left, NULL, NULL));
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1);
    if (file != NULL) fclose(file);
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    tight = before;
    tight.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + len / 2;
    CHECK(setrlimit(RLIMIT_AS, &tight) == 0);
    CHECK_RESULT(QS_NO_MEMORY, qs_client_get(w.client, "zeros", NULL, &content, NULL));
    CHECK(content.data == NULL);
    // A part of it fits.
    CHECK_OK(qs_client_get(w.client, "zeros", &part, &content, NULL));
    CHECK(content.len == 1000);
    qs_buffer_free(&content);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    close_world(&w);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    RUN(a_file_for_which_there_is_no_memory_is_an_error);
    RUN(ten_thousand_operations_leave_nothing_behind);
    RUN(clients_and_machines_that_come_and_go_leave_nothing_behind);
    return finish();
}
