// Vaults: words, files, passphrases.
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "check.h"
#include <sys/stat.h>
#include <unistd.h>

static char *owner_of(qs_vault *vault)
{
    char *owner = NULL;
    CHECK_OK(qs_vault_owner(vault, &owner));
    return owner;
}

static void same_owner(qs_vault *a, qs_vault *b)
{
    char *of_a = owner_of(a), *of_b = owner_of(b);
    CHECK(of_a != NULL && of_b != NULL && strlen(of_a) == 64 && strcmp(of_a, of_b) == 0);
    qs_string_free(of_a);
    qs_string_free(of_b);
}

static void a_vault_comes_back_from_its_words(void)
{
    qs_vault *vault, *again;
    char *words;
    CHECK_OK(qs_vault_create(&vault));
    CHECK_OK(qs_vault_words(vault, &words));
    CHECK_OK(qs_vault_from_words(words, &again));
    same_owner(vault, again);
    int spaces = 0;
    for (const char *c = words; *c; c++) spaces += *c == ' ';
    CHECK(spaces == 23);
    qs_string_free(words);
    qs_vault_free(vault);
    qs_vault_free(again);
}

static void two_vaults_are_of_different_owners(void)
{
    qs_vault *a, *b;
    CHECK_OK(qs_vault_create(&a));
    CHECK_OK(qs_vault_create(&b));
    char *of_a = owner_of(a), *of_b = owner_of(b);
    CHECK(strcmp(of_a, of_b) != 0);
    qs_string_free(of_a);
    qs_string_free(of_b);
    qs_vault_free(a);
    qs_vault_free(b);
}

static void words_that_are_none_are_not_quoted(void)
{
    qs_vault *vault;
    CHECK_RESULT(QS_BAD_WORDS, qs_vault_from_words("hunter2 hunter2", &vault));
    CHECK(vault == NULL);
    CHECK(strstr(qs_error_message(), "hunter2") == NULL && qs_error_message()[0] != '\0');
}

static void a_file_opens_with_its_passphrase_alone(void)
{
    qs_vault *vault, *again;
    qs_buffer file;
    CHECK_OK(qs_vault_create(&vault));
    CHECK_OK(qs_vault_lock(vault, "correct horse", &file));
    CHECK_OK(qs_vault_unlock(file.data, file.len, "correct horse", &again));
    same_owner(vault, again);
    qs_vault_free(again);
    CHECK_RESULT(QS_WRONG_PASSPHRASE, qs_vault_unlock(file.data, file.len, "hunter2", &again));
    CHECK(again == NULL && strstr(qs_error_message(), "hunter2") == NULL);
    CHECK_RESULT(QS_NEEDS_PASSPHRASE, qs_vault_unlock(file.data, file.len, NULL, &again));
    CHECK_RESULT(QS_NOT_A_VAULT, qs_vault_unlock(NULL, 0, NULL, &again));
    CHECK_RESULT(QS_NOT_A_VAULT, qs_vault_unlock((const uint8_t *)"nonsense", 8, NULL, &again));
    qs_buffer_free(&file);
    qs_vault_free(vault);
}

static void a_saved_file_is_closed_to_others_and_not_replaced_by_accident(void)
{
    char folder[] = "/tmp/quantumsync-test-XXXXXX", path[64];
    struct stat about;
    qs_vault *vault, *other, *again;
    CHECK(mkdtemp(folder) != NULL);
    // A path is bytes, not a text.
    snprintf(path, sizeof path, "%s/vault-\xff\xfe", folder);
    CHECK_OK(qs_vault_create(&vault));
    CHECK_OK(qs_vault_create(&other));
    CHECK_RESULT(QS_NO_SUCH_FILE, qs_vault_open(path, NULL, &again));
    CHECK_OK(qs_vault_save(vault, path, NULL, false));
    CHECK(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600);
    CHECK_RESULT(QS_EXISTS, qs_vault_save(other, path, NULL, false));
    CHECK_OK(qs_vault_open(path, NULL, &again));
    same_owner(vault, again);
    qs_vault_free(again);
    CHECK_OK(qs_vault_save(other, path, NULL, true));
    CHECK_OK(qs_vault_open(path, NULL, &again));
    same_owner(other, again);
    CHECK_RESULT(QS_NO_SUCH_FILE, qs_vault_save(vault, "/nowhere/at/all", NULL, false));
    qs_vault_free(again);
    qs_vault_free(other);
    qs_vault_free(vault);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    RUN(a_vault_comes_back_from_its_words);
    RUN(two_vaults_are_of_different_owners);
    RUN(words_that_are_none_are_not_quoted);
    RUN(a_file_opens_with_its_passphrase_alone);
    RUN(a_saved_file_is_closed_to_others_and_not_replaced_by_accident);
    return finish();
}
