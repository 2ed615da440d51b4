// The blocking client among threads and signals, and with peers that fail.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include "check.h"
#include "stream.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifdef __cplusplus
#include <atomic>
using std::atomic_int;
#else
#include <stdatomic.h>
#endif

struct job {
    struct world *world;
    int number, failures;
};

static void *work(void *context)
{
    struct job *job = (struct job *)context;
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
        jobs[i].world = &w;
        jobs[i].number = i;
        jobs[i].failures = 0;
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

static void prepare(struct blocked *blocked, const struct world *w)
{
    memset(blocked, 0, sizeof *blocked);
    blocked->client = w->client;
    blocked->node = w->node;
    CHECK(pthread_mutex_init(&blocked->lock, NULL) == 0 && pthread_cond_init(&blocked->changed, NULL) == 0);
}

// Holds its store back until the client is closed.
static ptrdiff_t wait_until_closed(void *context, uint8_t *buffer, size_t capacity)
{
    struct blocked *blocked = (struct blocked *)context;
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
    struct blocked *blocked = (struct blocked *)context;
    blocked->result = qs_client_store_from(blocked->client, "k", wait_until_closed, blocked, NULL, NULL);
    return NULL;
}

static void a_client_that_is_closed_or_freed_ends_the_calls_of_other_threads(void)
{
    for (int by_freeing = 0; by_freeing < 2; by_freeing++) {
        struct world w = open_world();
        struct blocked blocked;
        pthread_t thread;
        prepare(&blocked, &w);
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

struct caller {
    qs_machine *machine;
    qs_vault *vault;
    atomic_int calls;
    qs_result of_machine, of_vault;
};

static void *call_until_freed(void *context)
{
    struct caller *caller = (struct caller *)context;
    char *text;
    do {
        caller->of_machine = qs_machine_handle_timeout(caller->machine, qs_clock());
        caller->of_vault = qs_vault_owner(caller->vault, &text);
        qs_string_free(text);
        atomic_fetch_add(&caller->calls, 1);
    } while (caller->of_machine == QS_OK || caller->of_vault == QS_OK);
    return NULL;
}

static void handles_may_be_freed_while_other_threads_call(void)
{
    struct world w = open_world();
    struct caller caller;
    pthread_t thread;
    caller.vault = w.vault;
    atomic_init(&caller.calls, 0);
    CHECK_OK(new_machine(w.token, w.vault, qs_clock(), &caller.machine));
    CHECK(pthread_create(&thread, NULL, call_until_freed, &caller) == 0);
    while (atomic_load(&caller.calls) < 100) sched_yield();
    qs_machine_free(caller.machine);
    qs_vault_free(w.vault);
    pthread_join(thread, NULL);
    CHECK(caller.of_machine == QS_BAD_HANDLE && caller.of_vault == QS_BAD_HANDLE);
    close_world(&w);
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
    struct blocked *blocked = (struct blocked *)context;
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
    struct blocked *blocked = (struct blocked *)context;
    blocked->result = qs_client_store_from(blocked->client, "k", give_until_the_node_dies, blocked, NULL, NULL);
    return NULL;
}

static void a_node_that_dies_in_mid_stream_is_an_error_and_no_signal(void)
{
    struct world w = open_world();
    struct blocked blocked;
    pthread_t thread;
    prepare(&blocked, &w);
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
    struct sigaction interrupting;
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    memset(&interrupting, 0, sizeof interrupting);
    interrupting.sa_handler = ignore_signal;
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
    struct sockaddr_in here;
    socklen_t len = sizeof here;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    char address[32];
    const char *entry = address;
    pthread_t thread;
    qs_client_options options = client_of(NULL, w.token, w.vault);
    qs_client *client;
    memset(&here, 0, sizeof here);
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(listening, (struct sockaddr *)&here, len) == 0 && listen(listening, 8) == 0);
    CHECK(getsockname(listening, (struct sockaddr *)&here, &len) == 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", ntohs(here.sin_port));
    CHECK(pthread_create(&thread, NULL, talk_rubbish, &listening) == 0);
    signal(SIGPIPE, SIG_IGN);
    options.entry = &entry;
    options.entry_count = 1;
    CHECK_OK(qs_client_start(&options, &client));
    CHECK_RESULT(QS_PEER_FAULT, qs_client_delete(client, "k", NULL));
    qs_client_free(client);
    shutdown(listening, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listening);
    signal(SIGPIPE, SIG_DFL);
    close_world(&w);
}

static ptrdiff_t close_and_free_from_inside(void *context, uint8_t *buffer, size_t capacity)
{
    struct world *w = (struct world *)context;
    CHECK_OK(qs_client_close(w->client));
    qs_client_free(w->client);
    qs_node_free(w->node);
    qs_vault_free(w->vault);
    memset(buffer, 1, capacity);
    return (ptrdiff_t)capacity;
}

static void a_function_of_the_callers_may_free_what_it_is_called_for(void)
{
    struct world w = open_world();
    qs_result result = qs_client_store_from(w.client, "k", close_and_free_from_inside, &w, NULL, NULL);
    CHECK(result == QS_CANCELLED || result == QS_STOPPED);
    qs_string_free(w.token);
}

int main(void)
{
    RUN(threads_share_a_client);
    RUN(handles_may_be_freed_while_other_threads_call);
    RUN(signals_do_not_disturb_a_call);
    RUN(a_peer_that_talks_rubbish_is_an_error);
    RUN(a_node_that_dies_in_mid_stream_is_an_error_and_no_signal);
    RUN(a_client_that_is_closed_or_freed_ends_the_calls_of_other_threads);
    RUN(a_function_of_the_callers_may_free_what_it_is_called_for);
    return finish();
}
