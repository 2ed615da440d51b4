// Stores a file and gets it back, with the blocking client: store_get FILE COPY [TOKEN]
// With a token it does so in that network, otherwise on a node of its own that forgets everything at its end.
#include <errno.h>
#include <quantumsync.h>
#include <stdio.h>
#include <string.h>

static ptrdiff_t read_file(void *file, uint8_t *buffer, size_t capacity)
{
    size_t count = fread(buffer, 1, capacity, file);
    return count == 0 && ferror(file) ? -1 : (ptrdiff_t)count;
}

static int write_file(void *file, const uint8_t *data, size_t len)
{
    return fwrite(data, 1, len, file) == len ? 0 : -1;
}

static int failed(const char *what, qs_result result)
{
    fprintf(stderr, "%s: %s (%s)\n", what, qs_error_message(), qs_result_name(result));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s FILE COPY [TOKEN]\n", argv[0]);
        return 2;
    }
    FILE *file = fopen(argv[1], "rb"), *copy = file == NULL ? NULL : fopen(argv[2], "wb");
    if (file == NULL || copy == NULL) {
        fprintf(stderr, "%s: %s\n", file == NULL ? argv[1] : argv[2], strerror(errno));
        return 1;
    }
    int status = 0;
    qs_result result;
    qs_vault *vault = NULL;
    qs_node *node = NULL;
    qs_client *client = NULL;
    qs_stored stored;
    qs_got got;

    if ((result = qs_vault_create(&vault)) != QS_OK) {
        status = failed("vault", result);
    } else if (argc == 3 && (result = qs_node_start(&(qs_node_options){.in_memory = true}, &node)) != QS_OK) {
        status = failed("node", result);
    } else if ((result = qs_client_start(
                    &(qs_client_options){.node = node, .token = argc == 4 ? argv[3] : NULL, .vault = vault},
                    &client)) != QS_OK) {
        status = failed("client", result);
    } else if ((result = qs_client_store_from(client, "photo.jpg", read_file, file, NULL, &stored)) != QS_OK) {
        status = failed("store", result);
    } else if ((result = qs_client_get_to(client, "photo.jpg", NULL, write_file, copy, &got)) != QS_OK) {
        status = failed("get", result);
    } else {
        printf("stored %llu bytes on %d of %d peers, version %s\n", (unsigned long long)stored.size,
               stored.copies, stored.wanted, stored.version);
    }

    // All of these take what was never made.
    qs_client_free(client);
    qs_node_free(node);
    qs_vault_free(vault);
    fclose(file);
    if (fclose(copy) != 0) {
        perror(argv[2]);
        status = 1;
    }
    return status;
}
