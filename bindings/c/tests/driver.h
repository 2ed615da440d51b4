// The driver of the machines in the tests, to be included first: that of examples/poll_client.c. C++11 has no initialisers that
// name members; there it is the same driver without them.
#ifndef DRIVER_H
#define DRIVER_H

#ifndef __cplusplus

#define main poll_client_main
#include "../examples/poll_client.c"
#undef main

#else

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
    struct addrinfo hints, *found;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
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

#endif

#endif
