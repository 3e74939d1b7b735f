/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab itself: what it runs beside the hosts must not hold on to what is of the hosts.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "tests/lab/flood.h"

#define PATIENCE_SEC 5

static int connect_to_server(struct stage *s)
{
	const struct timeval limit = { .tv_sec = PATIENCE_SEC };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(STAGE_PORT) };
	int fd = lab_socket(s->lab, LAB_CLIENT, AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	inet_pton(AF_INET, LAB_SERVER_ADDR4, &sa.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/*
 * A connection from before a flood ends when the server closes it, and not with the flood, whose
 * process began as a copy of the server's and had its descriptors.
 */
START_TEST(flood_holds_no_connection)
{
	struct flood *flood;
	char byte = 'x';
	struct stage s;
	int fd;

	stage_raise(&s, &(struct server_options){ 0 });
	fd = connect_to_server(&s);
	/* the server has the connection as soon as it answers */
	ck_assert_int_eq(send(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
	flood = STAGE_FLOOD(&s, .rate_per_sec = 1);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
	stage_flood_end(flood);
	close(fd);
	stage_strike(&s);
}
END_TEST

SUITE_NEEDS(suite_lacks_root)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(flood_holds_no_connection, 60),
	{}
};
/* clang-format on */
