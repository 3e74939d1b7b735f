/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "holders.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TCP_REPAIR_ 19 /* linux/tcp.h */

static int holders_hold(uint16_t port, uint32_t number)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in peer = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(AF_INET, LAB_SERVER_ADDR4, &local.sin_addr);
	/* of the network of the link, so that there is a way to it */
	peer.sin_addr.s_addr = htonl(0xc0000200 + 100 + number / 20000);
	peer.sin_port = htons(10000 + number % 20000);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0 ||
	    connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		return -errno;
	return fd;
}

/* In a process of its own. The connections go with it. */
static int holders_live(struct lab *lab, uint16_t port, uint32_t first, uint32_t end, int report,
			int until)
{
	int r = lab_enter(lab, LAB_SERVER);
	char word = 'y';

	for (; r >= 0 && first < end; first++)
		r = holders_hold(port, first);
	if (r < 0) {
		dprintf(2, "# connection %u: %s\n", first, strerror(-r));
		return 1;
	}
	return write(report, &word, 1) != 1 || read(until, &word, 1);
}

static int holders_fork(struct holders *h, struct lab *lab, uint16_t port, uint32_t connections,
			const int report[2], const int until[2])
{
	uint32_t first, end;
	pid_t pid;

	for (first = 0; first < connections; first = end) {
		end = first + HOLDERS_PER_PROCESS < connections ? first + HOLDERS_PER_PROCESS :
								  connections;
		pid = fork();
		if (pid < 0)
			return -errno;
		if (!pid) {
			close(until[1]);
			_exit(holders_live(lab, port, first, end, report[1], until[0]));
		}
		h->pids[h->count++] = pid;
	}
	return 0;
}

int holders_start(struct holders *h, struct lab *lab, uint16_t port, unsigned int connections)
{
	int report[2], until[2], i, r;
	char word;

	if (connections > HOLDERS_MAX)
		return -EINVAL;
	/* not for the daemon, which would keep them open */
	if (pipe2(report, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(until, O_CLOEXEC) < 0) {
		r = -errno;
		close(report[0]);
		close(report[1]);
		return r;
	}
	*h = (struct holders){ .until = until[1] };
	r = holders_fork(h, lab, port, connections, report, until);
	close(report[1]);
	close(until[0]);
	for (i = 0; i < h->count && r >= 0; i++)
		r = read(report[0], &word, 1) == 1 ? 0 : -ECHILD;
	close(report[0]);
	if (r < 0)
		holders_end(h);
	return r;
}

void holders_end(struct holders *h)
{
	if (h->count)
		close(h->until);
	while (h->count)
		waitpid(h->pids[--h->count], NULL, 0);
}
