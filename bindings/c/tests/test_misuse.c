// Wrong use: NULL everywhere, handles that were freed or are of another kind, closed objects, a defect of the library.
#include "check.h"

// In no header: panics inside a call.
#ifdef __cplusplus
extern "C"
#endif
qs_result qs_panic_on_purpose(qs_machine *machine);

static void null_for_what_must_be_given_is_an_error(void)
{
    struct world w = open_world();
    qs_node_options nodes = in_memory(), no_peers = in_memory();
    qs_client_options no_entry = client_of(NULL, w.token, NULL);
    qs_machine_options machines = machine_of(w.token, w.vault);
    qs_now now = {0, 0};
    qs_machine *machine, *other;
    qs_rows *rows;
    qs_vault *vault;
    qs_client *client;
    qs_node *node;
    qs_buffer buffer;
    qs_output output;
    qs_info info;
    uint64_t op;
    char *text;
    no_peers.peer_count = 1;
    no_entry.entry_count = 1;
    CHECK_OK(qs_machine_new(&machines, now, &machine));
    CHECK_OK(qs_rows_new(&rows));
#define NULL_IN(call) CHECK_RESULT(QS_NULL_ARGUMENT, call)
    NULL_IN(qs_vault_create(NULL));
    NULL_IN(qs_vault_from_words(NULL, &vault));
    NULL_IN(qs_vault_from_words("words", NULL));
    NULL_IN(qs_vault_open(NULL, NULL, &vault));
    NULL_IN(qs_vault_open("path", NULL, NULL));
    NULL_IN(qs_vault_save(NULL, "path", NULL, false));
    NULL_IN(qs_vault_save(w.vault, NULL, NULL, false));
    NULL_IN(qs_vault_unlock(NULL, 1, NULL, &vault));
    NULL_IN(qs_vault_unlock((const uint8_t *)"", 0, NULL, NULL));
    NULL_IN(qs_vault_lock(NULL, NULL, &buffer));
    NULL_IN(qs_vault_lock(w.vault, NULL, NULL));
    NULL_IN(qs_vault_words(NULL, &text));
    NULL_IN(qs_vault_words(w.vault, NULL));
    NULL_IN(qs_vault_owner(NULL, &text));
    NULL_IN(qs_vault_owner(w.vault, NULL));
    NULL_IN(qs_node_start(NULL, &node));
    NULL_IN(qs_node_start(&no_peers, &node));
    NULL_IN(qs_node_start(&nodes, NULL));
    NULL_IN(qs_node_invite(NULL, false, &text));
    NULL_IN(qs_node_invite(w.node, false, NULL));
    NULL_IN(qs_node_close(NULL));
    NULL_IN(qs_client_start(NULL, &client));
    NULL_IN(start_client(NULL, NULL, w.vault, &client));
    NULL_IN(qs_client_start(&no_entry, &client));
    NULL_IN(start_client(NULL, w.token, NULL, NULL));
    NULL_IN(qs_client_close(NULL));
    NULL_IN(qs_client_store(NULL, "k", NULL, 0, NULL, NULL));
    NULL_IN(qs_client_store(w.client, NULL, NULL, 0, NULL, NULL));
    NULL_IN(qs_client_store(w.client, "k", NULL, 1, NULL, NULL));
    NULL_IN(qs_client_store_from(w.client, "k", NULL, NULL, NULL, NULL));
    NULL_IN(qs_client_get(NULL, "k", NULL, &buffer, NULL));
    NULL_IN(qs_client_get(w.client, NULL, NULL, &buffer, NULL));
    NULL_IN(qs_client_get(w.client, "k", NULL, NULL, NULL));
    NULL_IN(qs_client_get_to(w.client, "k", NULL, NULL, NULL, NULL));
    NULL_IN(qs_client_delete(NULL, "k", NULL));
    NULL_IN(qs_client_delete(w.client, NULL, NULL));
    NULL_IN(qs_client_clear(NULL, NULL));
    NULL_IN(qs_client_list(w.client, NULL, NULL, NULL, NULL));
    NULL_IN(qs_client_info(w.client, "k", NULL, NULL));
    NULL_IN(qs_client_info(w.client, NULL, NULL, &info));
    NULL_IN(qs_client_status(w.client, NULL));
    NULL_IN(qs_machine_new(NULL, now, &other));
    CHECK(other == NULL);
    NULL_IN(qs_machine_new(&machines, now, NULL));
    NULL_IN(new_machine(NULL, w.vault, now, &other));
    NULL_IN(qs_machine_store(NULL, now, "k", NULL, &op));
    NULL_IN(qs_machine_store(machine, now, NULL, NULL, &op));
    NULL_IN(qs_machine_store(machine, now, "k", NULL, NULL));
    NULL_IN(qs_machine_get(machine, now, NULL, NULL, &op));
    NULL_IN(qs_machine_get(machine, now, "k", NULL, NULL));
    NULL_IN(qs_machine_delete(machine, now, NULL, &op));
    NULL_IN(qs_machine_delete(machine, now, "k", NULL));
    NULL_IN(qs_machine_clear(machine, now, NULL));
    NULL_IN(qs_machine_list(machine, now, NULL, NULL));
    NULL_IN(qs_machine_status(machine, now, NULL));
    NULL_IN(qs_machine_provide(machine, now, 0, NULL, 1));
    NULL_IN(qs_machine_handle_connected(machine, now, 0, NULL, NULL));
    NULL_IN(qs_machine_handle_received(machine, now, 0, NULL, 1));
    NULL_IN(qs_machine_handle_rows(machine, now, 0, NULL, 1));
    NULL_IN(qs_machine_handle_job(machine, now, NULL));
    NULL_IN(qs_machine_poll_output(NULL, &output));
    NULL_IN(qs_machine_poll_output(machine, NULL));
    NULL_IN(qs_machine_poll_timeout(machine, NULL));
    NULL_IN(qs_job_run(NULL));
    NULL_IN(qs_rows_new(NULL));
    NULL_IN(qs_rows_perform(rows, machine, now, NULL));
    NULL_IN(qs_rows_perform(NULL, machine, now, &output));
    CHECK(qs_node_id(NULL) == NULL && qs_node_address(NULL) == NULL);
    CHECK(strcmp(qs_error_message(), "node is NULL") == 0);
    qs_machine_free(machine);
    qs_rows_free(rows);
    close_world(&w);
}

static void freeing_null_does_nothing(void)
{
    qs_vault_free(NULL);
    qs_node_free(NULL);
    qs_client_free(NULL);
    qs_machine_free(NULL);
    qs_rows_free(NULL);
    qs_buffer_free(NULL);
    qs_string_free(NULL);
    qs_output_free(NULL);
}

static void a_handle_that_was_freed_is_an_error_and_no_crash(void)
{
    struct world w = open_world();
    qs_now now = {0, 0};
    qs_machine *machine;
    uint64_t op;
    char *text;
    qs_buffer buffer;
    CHECK_OK(new_machine(w.token, NULL, now, &machine));
    qs_machine_free(machine);
    qs_machine_free(machine);
    CHECK_RESULT(QS_BAD_HANDLE, qs_machine_status(machine, now, &op));
    qs_client_free(w.client);
    qs_client_free(w.client);
    CHECK_RESULT(QS_BAD_HANDLE, qs_client_get(w.client, "k", NULL, &buffer, NULL));
    CHECK(buffer.data == NULL && buffer.len == 0);
    qs_vault_free(w.vault);
    qs_vault_free(w.vault);
    CHECK_RESULT(QS_BAD_HANDLE, qs_vault_words(w.vault, &text));
    CHECK_RESULT(QS_BAD_HANDLE, start_client(NULL, w.token, w.vault, &w.client));
    qs_node_free(w.node);
    qs_node_free(w.node);
    CHECK_RESULT(QS_BAD_HANDLE, qs_node_invite(w.node, false, &text));
    CHECK(qs_node_address(w.node) == NULL && text == NULL);
    qs_string_free(w.token);
}

static void a_handle_of_another_kind_is_an_error_and_no_crash(void)
{
    struct world w = open_world();
    uint64_t local = 0;
    CHECK_RESULT(QS_BAD_HANDLE, qs_client_delete((const qs_client *)(const void *)w.vault, "k", NULL));
    CHECK_RESULT(QS_BAD_HANDLE, qs_node_close((qs_node *)(void *)w.client));
    CHECK_RESULT(QS_BAD_HANDLE, qs_node_close((qs_node *)(void *)&local));
    qs_client_free((qs_client *)(void *)w.node);
    CHECK(qs_node_address(w.node) != NULL);
    close_world(&w);
}

static void a_closed_object_says_so_and_may_be_closed_again(void)
{
    struct world w = open_world();
    char *token;
    qs_client *client;
    CHECK_OK(qs_client_close(w.client));
    CHECK_OK(qs_client_close(w.client));
    CHECK_RESULT(QS_CLOSED, qs_client_delete(w.client, "k", NULL));
    CHECK_OK(qs_node_close(w.node));
    CHECK_OK(qs_node_close(w.node));
    CHECK_RESULT(QS_CLOSED, qs_node_invite(w.node, true, &token));
    CHECK_RESULT(QS_CLOSED, start_client(w.node, NULL, NULL, &client));
    CHECK(client == NULL && qs_node_address(w.node) != NULL);
    close_world(&w);
}

static void a_panic_is_a_result_and_its_object_is_dead(void)
{
    struct world w = open_world();
    qs_now now = {0, 0};
    qs_machine *machine;
    qs_status status;
    uint64_t op;
    CHECK_OK(new_machine(w.token, NULL, now, &machine));
    CHECK_RESULT(QS_INTERNAL, qs_panic_on_purpose(machine));
    CHECK(strstr(qs_error_message(), "on purpose") != NULL);
    CHECK_RESULT(QS_INTERNAL, qs_machine_status(machine, now, &op));
    qs_machine_free(machine);
    CHECK_OK(qs_client_status(w.client, &status));
    close_world(&w);
}

static void keys_that_are_none_are_errors(void)
{
    struct world w = open_world();
    char *huge = (char *)malloc(1 << 20);
    qs_buffer content;
    memset(huge, 'k', 1 << 20);
    huge[(1 << 20) - 1] = '\0';
    CHECK_RESULT(QS_BAD_KEY, qs_client_delete(w.client, "", NULL));
    CHECK_RESULT(QS_BAD_KEY, qs_client_delete(w.client, huge, NULL));
    CHECK_RESULT(QS_BAD_VALUE, qs_client_delete(w.client, "\xc3", NULL));
    huge[1024] = '\0';
    CHECK_RESULT(QS_NOT_FOUND, qs_client_get(w.client, huge, NULL, &content, NULL));
    free(huge);
    close_world(&w);
}

static qs_result start_node(const char *listen, const char *join, qs_node **node)
{
    qs_node_options options = in_memory();
    options.listen = listen;
    options.join = join;
    return qs_node_start(&options, node);
}

static qs_result start_client_by(const char *const *entry, const char *token, qs_client **client)
{
    qs_client_options options = client_of(NULL, token, NULL);
    options.entry = entry;
    options.entry_count = 1;
    return qs_client_start(&options, client);
}

static void options_that_are_no_values_are_errors(void)
{
    struct world w = open_world();
    qs_node *node;
    qs_client *client;
    const char *const entry[] = {"nowhere"}, *const id[] = {"1234@127.0.0.1:1"};
    qs_node_options homeless = in_memory();
    homeless.in_memory = false;
    CHECK_RESULT(QS_BAD_VALUE, qs_node_start(&homeless, &node));
    CHECK_RESULT(QS_BAD_VALUE, start_node("here", NULL, &node));
    CHECK_RESULT(QS_BAD_TOKEN, start_node(NULL, "qs1no", &node));
    CHECK_RESULT(QS_CLIENT_TOKEN, start_node(NULL, w.token, &node));
    CHECK_RESULT(QS_ADDRESS_IN_USE, start_node(qs_node_address(w.node), NULL, &node));
    CHECK_RESULT(QS_BAD_TOKEN, start_client(NULL, "hunter2", NULL, &client));
    CHECK(strstr(qs_error_message(), "hunter2") == NULL);
    CHECK_RESULT(QS_BAD_VALUE, start_client_by(entry, w.token, &client));
    CHECK_RESULT(QS_BAD_VALUE, start_client_by(id, w.token, &client));
    CHECK_RESULT(QS_BAD_VALUE, qs_client_store(w.client, "k", (const uint8_t *)"x", SIZE_MAX, NULL, NULL));
    CHECK(strlen(qs_version()) >= 5);
    CHECK(strcmp(qs_result_name(QS_NOT_FOUND), "not_found") == 0 && strcmp(qs_result_name(12345), "failed") == 0);
    close_world(&w);
}

int main(void)
{
    RUN(null_for_what_must_be_given_is_an_error);
    RUN(freeing_null_does_nothing);
    RUN(a_handle_that_was_freed_is_an_error_and_no_crash);
    RUN(a_handle_of_another_kind_is_an_error_and_no_crash);
    RUN(a_closed_object_says_so_and_may_be_closed_again);
    RUN(a_panic_is_a_result_and_its_object_is_dead);
    RUN(keys_that_are_none_are_errors);
    RUN(options_that_are_no_values_are_errors);
    return finish();
}
