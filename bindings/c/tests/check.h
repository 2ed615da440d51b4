// What the tests in C stand on: checks that count, and a node with a client of it. Each program of tests ends with its counts.
// The tests are C11 and C++11 at once: options are set to zero and then by their members, and what malloc gives is cast.
#ifndef CHECK_H
#define CHECK_H

#include <quantumsync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks_failed, tests_passed, tests_failed;

static inline void check_that(int holds, const char *what, const char *file, int line)
{
    if (!holds) {
        checks_failed++;
        printf("%s:%d: does not hold: %s\n", file, line, what);
    }
}

static inline void check_result(qs_result expected, qs_result result, const char *what, const char *file, int line)
{
    if (result != expected) {
        checks_failed++;
        printf("%s:%d: %s is %s (%s) and not %s\n", file, line, what, qs_result_name(result), qs_error_message(),
               qs_result_name(expected));
    }
}

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_RESULT(expected, call) check_result(expected, call, #call, __FILE__, __LINE__)
#define CHECK_OK(call) CHECK_RESULT(QS_OK, call)
#define RUN(test) run(#test, test)

// Runs one test. Whatever it has opened it has to free.
static inline void run(const char *name, void (*test)(void))
{
    checks_failed = 0;
    size_t handles = qs_handle_count();
    test();
    CHECK(qs_handle_count() == handles);
    if (checks_failed == 0) tests_passed++;
    else tests_failed++;
    printf("%s %s\n", checks_failed == 0 ? "ok  " : "FAIL", name);
    fflush(stdout);
}

static inline int finish(void)
{
    printf("%d passed, %d failed\n", tests_passed, tests_failed);
    return tests_failed == 0 ? 0 : 1;
}

// The options of a node that forgets everything.
static inline qs_node_options in_memory(void)
{
    qs_node_options options;
    memset(&options, 0, sizeof options);
    options.in_memory = true;
    return options;
}

// The options of a client and of a machine, and what is made of them. Each of node, token and vault may be NULL.
static inline qs_client_options client_of(const qs_node *node, const char *token, const qs_vault *vault)
{
    qs_client_options options;
    memset(&options, 0, sizeof options);
    options.node = node;
    options.token = token;
    options.vault = vault;
    return options;
}

static inline qs_result start_client(const qs_node *node, const char *token, const qs_vault *vault, qs_client **client)
{
    qs_client_options options = client_of(node, token, vault);
    return qs_client_start(&options, client);
}

static inline qs_machine_options machine_of(const char *token, const qs_vault *vault)
{
    qs_machine_options options;
    memset(&options, 0, sizeof options);
    options.token = token;
    options.vault = vault;
    return options;
}

static inline qs_result new_machine(const char *token, const qs_vault *vault, qs_now now, qs_machine **machine)
{
    qs_machine_options options = machine_of(token, vault);
    return qs_machine_new(&options, now, machine);
}

// A node that forgets everything, a vault, a client of both and a token.
struct world {
    qs_node *node;
    qs_vault *vault;
    qs_client *client;
    char *token;
};

static inline struct world open_world(void)
{
    struct world world;
    qs_node_options node = in_memory();
    memset(&world, 0, sizeof world);
    CHECK_OK(qs_node_start(&node, &world.node));
    CHECK_OK(qs_vault_create(&world.vault));
    CHECK_OK(start_client(world.node, NULL, world.vault, &world.client));
    CHECK_OK(qs_node_invite(world.node, false, &world.token));
    return world;
}

static inline void close_world(struct world *world)
{
    qs_client_free(world->client);
    qs_node_free(world->node);
    qs_vault_free(world->vault);
    qs_string_free(world->token);
}

// Bytes that no compression and no chunk boundary finds alike, the same each time.
static inline uint8_t *some_bytes(size_t len)
{
    uint8_t *bytes = (uint8_t *)malloc(len > 0 ? len : 1);
    uint64_t state = 0x9e3779b97f4a7c15u;
    if (bytes == NULL) abort();
    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(state >> 56);
    }
    return bytes;
}

#endif
