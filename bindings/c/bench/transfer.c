// How long a file takes through the blocking client: transfer FILE COPY TOKEN. Prints the seconds of the store and of the get.
#include <quantumsync.h>
#include <stdio.h>

static ptrdiff_t read_file(void *file, uint8_t *buffer, size_t capacity)
{
    size_t count = fread(buffer, 1, capacity, file);
    return count == 0 && ferror(file) ? -1 : (ptrdiff_t)count;
}

static int write_file(void *file, const uint8_t *data, size_t len)
{
    return fwrite(data, 1, len, file) == len ? 0 : -1;
}

int main(int argc, char **argv)
{
    qs_vault *vault = NULL;
    qs_client *client = NULL;
    FILE *file = argc == 4 ? fopen(argv[1], "rb") : NULL, *copy = file == NULL ? NULL : fopen(argv[2], "wb");
    if (copy == NULL) {
        fprintf(stderr, "usage: transfer FILE COPY TOKEN\n");
        return 2;
    }
    qs_result result = qs_vault_create(&vault);
    if (result == QS_OK)
        result = qs_client_start(&(qs_client_options){.token = argv[3], .vault = vault}, &client);
    uint64_t start = qs_clock().mono_us;
    if (result == QS_OK) result = qs_client_store_from(client, "file", read_file, file, NULL, NULL);
    uint64_t stored = qs_clock().mono_us;
    if (result == QS_OK) result = qs_client_get_to(client, "file", NULL, write_file, copy, NULL);
    uint64_t got = qs_clock().mono_us;
    if (result == QS_OK) result = qs_client_delete(client, "file", NULL);
    if (result != QS_OK) fprintf(stderr, "%s\n", qs_error_message());
    else printf("%.3f %.3f\n", (double)(stored - start) / 1e6, (double)(got - stored) / 1e6);
    qs_client_free(client);
    qs_vault_free(vault);
    fclose(file);
    return fclose(copy) == 0 && result == QS_OK ? 0 : 1;
}
