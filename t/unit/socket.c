/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/connection/socket: whose descriptor it is. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/clock.h"
#include "memcached/connection/stack.h"
#include "memcached/connection/socket.h"

static struct sockaddr_in at(const char *ip, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, ip, &address.sin_addr);
    return address;
}

static uint16_t local_port(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static int bound(const char *ip, uint16_t port)
{
    const struct sockaddr_in address = at(ip, port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int server_at(const char *ip, uint16_t port)
{
    const int fd = bound(ip, port);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static int connected(uint16_t from, const char *to, uint16_t port)
{
    const struct sockaddr_in address = at(to, port);
    const int fd = bound("127.0.0.1", from);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* mc1:11211 and mc2:11211, from the same local port: the kernel does that when it has to. */
static void connections_that_share_both_ports_are_told_apart(void **state)
{
    const int first = server_at("127.0.0.1", 0);
    const uint16_t port = local_port(first);
    const int second = server_at("127.0.0.2", port);
    const int to_first = connected(0, "127.0.0.1", port);
    const uint16_t from = local_port(to_first);
    const int to_second = connected(from, "127.0.0.2", port);
    const rl_socket_ends_t ends = {.local = from, .peer = rl_socket_address("127.0.0.2", port)};
    const rl_socket_ends_t none = {.local = from, .peer = rl_socket_address("127.0.0.3", port)};
    (void)state;
    assert_int_equal(rl_socket_find(&ends), to_second);
    assert_true(rl_socket_is_idle(to_second, &ends));
    assert_false(rl_socket_is_idle(to_first, &ends));
    assert_int_equal(rl_socket_copy(to_first, &ends), -1);
    assert_int_equal(rl_socket_find(&none), -1);
    close(first);
    close(second);
    close(to_first);
    close(to_second);
}

static void addresses_are_read_in_numbers_only(void **state)
{
    const rl_socket_address_t v6 = rl_socket_address("::1", 5);
    const rl_socket_address_t scoped = rl_socket_address("fe80::1%eth0", 5);
    (void)state;
    assert_int_equal(v6.bytes[15], 1);
    assert_int_equal(scoped.bytes[0], 0xfe);
    assert_int_equal(scoped.port, 5);
    assert_int_equal(rl_socket_address("localhost", 5).port, 0);
}

static void a_shelf_is_waited_at_until_the_deadline(void **state)
{
    rl_stack_t shelf;
    rl_stacked_t thing;
    int64_t start;
    (void)state;
    assert_true(rl_stack_init(&shelf));
    start = rl_clock_now();
    assert_null(rl_stack_take(&shelf, start + 50 * 1000));
    assert_in_range(rl_clock_now() - start, 50 * 1000, 10 * 1000 * 1000);
    assert_null(rl_stack_take(&shelf, start));
    rl_stack_put(&shelf, &thing);
    assert_ptr_equal(rl_stack_take(&shelf, start), &thing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_that_share_both_ports_are_told_apart),
        cmocka_unit_test(addresses_are_read_in_numbers_only),
        cmocka_unit_test(a_shelf_is_waited_at_until_the_deadline),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
