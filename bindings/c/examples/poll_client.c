// Stores a text and gets it back over a socket of its own: poll_client [TOKEN]
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <netdb.h>
#include <poll.h>
#include <quantumsync.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct link { int fd; uint64_t conn; };    // a client has one at a time

static int dial(const qs_dial *to)
{
    struct addrinfo hints = {AI_NUMERICHOST, 0, SOCK_STREAM, 0, 0, NULL, NULL, NULL}, *found;
    if (getaddrinfo(to->host, to->port, &hints, &found) != 0) return -1;
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    struct timeval longest = {5, 0};    // neither connect nor write waits for ever
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) { close(fd); fd = -1; }
    freeaddrinfo(found);
    return fd;
}

static void hang_up(struct link *link, qs_machine *machine)
{
    close(link->fd);
    link->fd = -1;
    qs_machine_handle_disconnected(machine, qs_clock(), link->conn);
}

// Performs what the machine wants until the operation has ended. `content` is stored; what a get delivers goes to `out`.
static qs_result drive(qs_machine *machine, qs_rows *rows, struct link *link, uint64_t op,
                       const uint8_t *content, size_t len, FILE *out)
{
    for (uint64_t due;;) {
        qs_output o;
        while (qs_machine_poll_output(machine, &o) == QS_OK && o.tag != QS_OUTPUT_NONE) {
            qs_now now = qs_clock();
            qs_output_tag tag = o.tag;
            qs_result result = QS_OK;
            switch (tag) {
            case QS_OUTPUT_DIAL:
                link->conn = o.u.dial.conn;
                link->fd = dial(&o.u.dial);
                if (link->fd < 0) qs_machine_handle_dial_failed(machine, now, link->conn);
                else qs_machine_handle_connected(machine, now, link->conn, o.u.dial.address, NULL);
                break;
            case QS_OUTPUT_SEND:
                for (size_t sent = 0; sent < o.u.send.bytes.len;) {
                    ssize_t count = write(link->fd, o.u.send.bytes.data + sent, o.u.send.bytes.len - sent);
                    if (count < 0) { shutdown(link->fd, SHUT_RDWR); break; }    // the next read tells
                    sent += (size_t)count;
                }
                qs_machine_handle_sent(machine, now, link->conn, o.u.send.bytes.len);
                break;
            case QS_OUTPUT_CLOSE: hang_up(link, machine); break;
            case QS_OUTPUT_READ_ROWS:
            case QS_OUTPUT_WRITE_ROWS: qs_rows_perform(rows, machine, now, &o); break;
            case QS_OUTPUT_JOB:
                qs_job_run(o.u.job.job);
                qs_machine_handle_job(machine, now, o.u.job.job);
                break;
            case QS_OUTPUT_NEED_DATA: {
                size_t count = len < o.u.need_data.max ? len : o.u.need_data.max;
                qs_machine_provide(machine, now, op, content, count);
                content += count;
                len -= count;
                if (len == 0) qs_machine_finish(machine, now, op);
                break;
            }
            case QS_OUTPUT_DATA:
                fwrite(o.u.data.bytes.data, 1, o.u.data.bytes.len, out);
                qs_machine_consumed(machine, now, op, o.u.data.bytes.len);
                break;
            case QS_OUTPUT_FAILED:
                result = o.u.failed.result;
                break;
            default: break;    // events that only tell
            }
            qs_output_free(&o);
            if (tag == QS_OUTPUT_DONE || tag == QS_OUTPUT_FAILED) return result;
        }
        uint8_t bytes[1 << 16];
        struct pollfd ready = {link->fd, POLLIN, 0};
        qs_machine_poll_timeout(machine, &due);
        uint64_t now_us = qs_clock().mono_us, wait_ms = due > now_us ? (due - now_us) / 1000 + 1 : 0;
        if (poll(&ready, 1, wait_ms < 60000 ? (int)wait_ms : 60000) > 0) {
            ssize_t count = read(link->fd, bytes, sizeof bytes);
            if (count > 0) qs_machine_handle_received(machine, qs_clock(), link->conn, bytes, (size_t)count);
            else hang_up(link, machine);
        }
        if (due <= qs_clock().mono_us) qs_machine_handle_timeout(machine, qs_clock());
    }
}

int main(int argc, char **argv)
{
    const char *text = "hello, peers\n";
    qs_node *node = NULL;
    qs_vault *vault = NULL;
    qs_rows *rows = NULL;
    qs_machine *machine = NULL;
    char *invited = NULL;
    uint64_t op;
    struct link link = {-1, 0};
    qs_node_options in_memory;
    qs_machine_options options;
    memset(&in_memory, 0, sizeof in_memory);
    memset(&options, 0, sizeof options);
    in_memory.in_memory = true;
    signal(SIGPIPE, SIG_IGN);
    qs_result result = QS_OK;
    if (argc < 2) result = qs_node_start(&in_memory, &node);
    if (node != NULL) qs_node_invite(node, false, &invited);
    options.token = argc < 2 ? invited : argv[1];
    if (result == QS_OK && (result = qs_vault_create(&vault)) == QS_OK
        && (options.vault = vault, result = qs_rows_new(&rows)) == QS_OK
        && (result = qs_machine_new(&options, qs_clock(), &machine)) == QS_OK
        && (result = qs_machine_store(machine, qs_clock(), "greeting", NULL, &op)) == QS_OK
        && (result = drive(machine, rows, &link, op, (const uint8_t *)text, strlen(text), NULL)) == QS_OK
        && (result = qs_machine_get(machine, qs_clock(), "greeting", NULL, &op)) == QS_OK)
        result = drive(machine, rows, &link, op, NULL, 0, stdout);
    if (result != QS_OK) fprintf(stderr, "%s\n", qs_result_name(result));
    if (link.fd >= 0) close(link.fd);
    qs_machine_free(machine);
    qs_rows_free(rows);
    qs_vault_free(vault);
    qs_string_free(invited);
    qs_node_free(node);
    return result != QS_OK;
}
