// A program in C++'s own style, where the other tests are what C and C++ have in common: nullptr, and structures emptied by braces.
#include "check.h"
#include <cstring>

static int count_files(void *context, const qs_file *)
{
    ++*static_cast<int *>(context);
    return 0;
}

static void a_program_in_cpp_stores_and_gets()
{
    world w = open_world();
    const char text[] = "hello, peers";
    qs_buffer content{};
    qs_got got{};
    int files = 0;
    CHECK_OK(qs_client_store(w.client, "greeting", reinterpret_cast<const uint8_t *>(text), sizeof text, nullptr, nullptr));
    CHECK_OK(qs_client_get(w.client, "greeting", nullptr, &content, &got));
    CHECK(content.len == sizeof text && std::memcmp(content.data, text, sizeof text) == 0);
    CHECK_OK(qs_client_list(w.client, nullptr, count_files, &files, nullptr));
    CHECK(files == 1);
    qs_buffer_free(&content);
    close_world(&w);
}

int main()
{
    RUN(a_program_in_cpp_stores_and_gets);
    return finish();
}
