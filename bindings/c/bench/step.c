// What a call of the sans-IO level costs beside what the core does: nanoseconds of calls that find nothing to do.
#include <quantumsync.h>
#include <stdio.h>

enum { CALLS = 1000000 };

int main(void)
{
    qs_node *node = NULL;
    qs_vault *vault = NULL;
    qs_machine *machine = NULL;
    char *token = NULL;
    qs_now now = {0, 1800000000000u};
    qs_output output;
    uint64_t due;
    qs_result result = qs_node_start(&(qs_node_options){.in_memory = true}, &node);
    if (result == QS_OK) result = qs_node_invite(node, false, &token);
    if (result == QS_OK) result = qs_vault_create(&vault);
    if (result == QS_OK)
        result = qs_machine_new(&(qs_machine_options){.token = token, .vault = vault}, now, &machine);
    uint64_t start = qs_clock().mono_us;
    for (int i = 0; i < CALLS && result == QS_OK; i++) {
        result = qs_machine_handle_timeout(machine, now);
        if (result == QS_OK) result = qs_machine_poll_output(machine, &output);
        if (result == QS_OK) result = qs_machine_poll_timeout(machine, &due);
    }
    uint64_t took_us = qs_clock().mono_us - start;
    qs_machine_free(machine);
    qs_vault_free(vault);
    qs_string_free(token);
    qs_node_free(node);
    if (result != QS_OK) {
        fprintf(stderr, "%s\n", qs_error_message());
        return 1;
    }
    printf("%.0f ns a step: handle_timeout, poll_output, poll_timeout\n", (double)took_us * 1000 / CALLS);
    return 0;
}
