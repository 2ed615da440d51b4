// The blocking client on a node of this process.
#define _XOPEN_SOURCE 700
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
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
    qs_get_options part = {.offset = 7, .length = 5, .fresh = true};
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

struct stream {
    const uint8_t *bytes;
    size_t len, at, largest;
};

static ptrdiff_t give(void *context, uint8_t *buffer, size_t capacity)
{
    struct stream *s = context;
    size_t count = s->len - s->at;
    // In odd portions, as a pipe would.
    if (count > 99991) count = 99991;
    if (count > capacity) count = capacity;
    memcpy(buffer, s->bytes + s->at, count);
    s->at += count;
    return (ptrdiff_t)count;
}

static int take(void *context, const uint8_t *data, size_t len)
{
    struct stream *s = context;
    if (s->at + len > s->len || memcmp(s->bytes + s->at, data, len) != 0) return -1;
    s->at += len;
    if (len > s->largest) s->largest = len;
    return 0;
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
    size_t *counts = context;
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
    qs_written written = {0};
    qs_info info;
    qs_buffer content;
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
    CHECK_OK(qs_client_start(&(qs_client_options){.token = w.token, .vault = other}, &theirs));
    CHECK_OK(qs_client_start(&(qs_client_options){.token = w.token}, &nobodys));
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
    qs_client *client;
    CHECK(mkdtemp(folder) != NULL);
    CHECK_OK(qs_client_start(
        &(qs_client_options){.node = w.node, .token = w.token, .vault = w.vault, .home = folder}, &client));
    CHECK_OK(qs_client_store(client, "k", (const uint8_t *)"x", 1, NULL, NULL));
    qs_client_free(client);
    snprintf(secret, sizeof secret, "%s/device/secret", folder);
    CHECK(access(secret, R_OK) == 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    close_world(&w);
}

struct job {
    struct world *world;
    int number, failures;
};

static void *work(void *context)
{
    struct job *job = context;
    char key[16];
    snprintf(key, sizeof key, "thread %d", job->number);
    for (int turn = 0; turn < 10; turn++) {
        uint8_t bytes[100];
        qs_buffer content = {NULL, 0};
        memset(bytes, job->number * 16 + turn, sizeof bytes);
        if (qs_client_store(job->world->client, key, bytes, sizeof bytes, NULL, NULL) != QS_OK
            || qs_client_get(job->world->client, key, NULL, &content, NULL) != QS_OK
            || content.len != sizeof bytes || memcmp(content.data, bytes, sizeof bytes) != 0)
            job->failures++;
        qs_buffer_free(&content);
        // A message is that of this thread's own last failure.
        if (job->number % 2 == 0) qs_client_get(job->world->client, "", NULL, &content, NULL);
        else qs_client_get(NULL, "", NULL, &content, NULL);
        if (strstr(qs_error_message(), job->number % 2 == 0 ? "key" : "NULL") == NULL) job->failures++;
    }
    return NULL;
}

static void threads_share_a_client(void)
{
    struct world w = open_world();
    struct job jobs[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){&w, i, 0};
        CHECK(pthread_create(&threads[i], NULL, work, &jobs[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CHECK(jobs[i].failures == 0);
    }
    close_world(&w);
}

struct blocked {
    qs_client *client;
    qs_node *node;
    int portions;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool reading, closed;
    qs_result result;
};

// Holds its store back until the client is closed.
static ptrdiff_t wait_until_closed(void *context, uint8_t *buffer, size_t capacity)
{
    struct blocked *blocked = context;
    pthread_mutex_lock(&blocked->lock);
    blocked->reading = true;
    pthread_cond_broadcast(&blocked->changed);
    while (!blocked->closed) pthread_cond_wait(&blocked->changed, &blocked->lock);
    pthread_mutex_unlock(&blocked->lock);
    memset(buffer, 1, capacity);
    return (ptrdiff_t)capacity;
}

static void *store_blocked(void *context)
{
    struct blocked *blocked = context;
    blocked->result = qs_client_store_from(blocked->client, "k", wait_until_closed, blocked, NULL, NULL);
    return NULL;
}

static void a_client_that_is_closed_or_freed_ends_the_calls_of_other_threads(void)
{
    for (int by_freeing = 0; by_freeing < 2; by_freeing++) {
        struct world w = open_world();
        struct blocked blocked = {.client = w.client, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, store_blocked, &blocked) == 0);
        pthread_mutex_lock(&blocked.lock);
        while (!blocked.reading) pthread_cond_wait(&blocked.changed, &blocked.lock);
        pthread_mutex_unlock(&blocked.lock);
        if (by_freeing) qs_client_free(w.client);
        else CHECK_OK(qs_client_close(w.client));
        pthread_mutex_lock(&blocked.lock);
        blocked.closed = true;
        pthread_cond_broadcast(&blocked.changed);
        pthread_mutex_unlock(&blocked.lock);
        pthread_join(thread, NULL);
        CHECK(blocked.result == QS_CANCELLED || blocked.result == QS_STOPPED);
        close_world(&w);
    }
}

static volatile sig_atomic_t broken_pipes;

static void count_broken_pipe(int signal)
{
    (void)signal;
    broken_pipes++;
}

// Ends the node in the middle of the content, and the client when there is nobody left to take it.
static ptrdiff_t give_until_the_node_dies(void *context, uint8_t *buffer, size_t capacity)
{
    struct blocked *blocked = context;
    for (size_t i = 0; i < capacity; i++) buffer[i] = (uint8_t)rand();
    if (blocked->portions++ == 8) {
        CHECK_OK(qs_node_close(blocked->node));
        pthread_mutex_lock(&blocked->lock);
        blocked->closed = true;
        pthread_cond_broadcast(&blocked->changed);
        pthread_mutex_unlock(&blocked->lock);
    }
    return (ptrdiff_t)capacity;
}

static void *store_on_a_mortal_node(void *context)
{
    struct blocked *blocked = context;
    blocked->result = qs_client_store_from(blocked->client, "k", give_until_the_node_dies, blocked, NULL, NULL);
    return NULL;
}

static void a_node_that_dies_in_mid_stream_is_an_error_and_no_signal(void)
{
    struct world w = open_world();
    struct blocked blocked = {.client = w.client, .node = w.node, .lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    broken_pipes = 0;
    signal(SIGPIPE, count_broken_pipe);
    CHECK(pthread_create(&thread, NULL, store_on_a_mortal_node, &blocked) == 0);
    pthread_mutex_lock(&blocked.lock);
    while (!blocked.closed) pthread_cond_wait(&blocked.changed, &blocked.lock);
    pthread_mutex_unlock(&blocked.lock);
    CHECK_OK(qs_client_close(w.client));
    pthread_join(thread, NULL);
    signal(SIGPIPE, SIG_DFL);
    CHECK(blocked.result == QS_CANCELLED || blocked.result == QS_STOPPED);
    CHECK(broken_pipes == 0);
    close_world(&w);
}

static void ignore_signal(int signal)
{
    (void)signal;
}

static void signals_do_not_disturb_a_call(void)
{
    struct world w = open_world();
    size_t len = 3000000;
    uint8_t *bytes = some_bytes(len);
    struct stream in = {bytes, len, 0, 0}, out = {bytes, len, 0, 0};
    // Without SA_RESTART every system call that waits is interrupted.
    struct sigaction interrupting = {.sa_handler = ignore_signal};
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    CHECK(sigaction(SIGALRM, &interrupting, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
    CHECK_OK(qs_client_store_from(w.client, "k", give, &in, NULL, NULL));
    CHECK_OK(qs_client_get_to(w.client, "k", NULL, take, &out, NULL));
    CHECK_OK(qs_client_close(w.client));
    CHECK_OK(qs_node_close(w.node));
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    // One may still be on its way.
    signal(SIGALRM, SIG_IGN);
    CHECK(in.at == len && out.at == len);
    free(bytes);
    close_world(&w);
}

// Takes links on a socket until that is closed, and answers each with what no peer says.
static void *talk_rubbish(void *context)
{
    int listening = *(int *)context, fd;
    static const uint8_t rubbish[100000] = {0x00, 0x41, 0x99};
    char heard[1000];
    while ((fd = accept(listening, NULL, NULL)) >= 0) {
        if (read(fd, heard, sizeof heard) > 0 && write(fd, rubbish, sizeof rubbish) > 0)
            while (read(fd, heard, sizeof heard) > 0) {}
        close(fd);
    }
    return NULL;
}

static void a_peer_that_talks_rubbish_is_an_error(void)
{
    struct world w = open_world();
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof here;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    char address[32];
    const char *entry = address;
    pthread_t thread;
    qs_client *client;
    CHECK(bind(listening, (struct sockaddr *)&here, len) == 0 && listen(listening, 8) == 0);
    CHECK(getsockname(listening, (struct sockaddr *)&here, &len) == 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(here.sin_port));
    CHECK(pthread_create(&thread, NULL, talk_rubbish, &listening) == 0);
    signal(SIGPIPE, SIG_IGN);
    CHECK_OK(qs_client_start(
        &(qs_client_options){.token = w.token, .vault = w.vault, .entry = &entry, .entry_count = 1}, &client));
    CHECK_RESULT(QS_PEER_FAULT, qs_client_delete(client, "k", NULL));
    qs_client_free(client);
    shutdown(listening, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listening);
    signal(SIGPIPE, SIG_DFL);
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
    RUN(threads_share_a_client);
    RUN(signals_do_not_disturb_a_call);
    RUN(a_peer_that_talks_rubbish_is_an_error);
    RUN(a_node_that_dies_in_mid_stream_is_an_error_and_no_signal);
    RUN(a_client_that_is_closed_or_freed_ends_the_calls_of_other_threads);
    return finish();
}
