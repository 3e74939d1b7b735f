/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The latest frames of each port. See tape.h.
 */
#include "tape.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "synguard/cleanup.h"

#define TAPE_FRAMES	64 /* of a port, both ends together */
#define TAPE_PORTS	65536
#define TAPE_RCVBUF	(32 << 20)
#define TAPE_FRAME_MAX	(128 * 1024)
#define TAPE_SS_TIMEOUT 5000
#define TAPE_HOSTS	2

/* What is shown is waited for, as the thread that records may be behind. */
#define TAPE_PATIENCE_US 300000

struct tape_frame {
	uint64_t at_ns;
	uint32_t seq, ack, tsval, tsecr;
	uint32_t bytes;
	uint16_t sport, dport;
	uint16_t window;
	uint8_t flags;
	uint8_t host;
	uint8_t version;
	bool leaves;
};

struct tape_port {
	uint32_t count; /* ever; the oldest are overwritten */
	struct tape_frame frames[TAPE_FRAMES];
};

struct tape {
	struct stage *stage;
	struct tape_port *ports; /* the client's; only what is used takes memory */
	uint8_t *frame;
	int fds[TAPE_HOSTS];
	pthread_t thread;
	pthread_mutex_t lock; /* of ports */
	atomic_bool over;
};

/* From or to LAB_CLIENT_ADDR4, or an IPv6 address that ends like LAB_CLIENT_ADDR6. */
static int tape_open(struct stage *s, int host)
{
	/* clang-format off */
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 26),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc0000202, 7, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 30),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc0000202, 5, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IPV6, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 34),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 50),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, TAPE_FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	/* clang-format on */
	const struct sock_fprog program = { ARRAY_SIZE(code), code };
	struct sockaddr_ll sa = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	_cleanup_close_ int fd = lab_socket(s->lab, host, AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
	int bytes = TAPE_RCVBUF, on = 1;

	if (fd < 0)
		return fd;
	sa.sll_ifindex = lab_ifindex(s->lab, host, LAB_IFNAME);
	if (sa.sll_ifindex < 0)
		return sa.sll_ifindex;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static uint64_t tape_time(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct timespec ts = { 0 };

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void tape_keep(struct tape *t, const struct tape_frame *f, bool to_server)
{
	struct tape_port *p = &t->ports[to_server ? f->sport : f->dport];

	pthread_mutex_lock(&t->lock);
	p->frames[p->count++ % TAPE_FRAMES] = *f;
	pthread_mutex_unlock(&t->lock);
}

/* The next frame of a host; false where there is none. */
static bool tape_take(struct tape *t, int host)
{
	uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec iov = { t->frame, TAPE_FRAME_MAX };
	struct sockaddr_ll from;
	struct msghdr m = { &from, sizeof(from), &iov, 1, control, sizeof(control), 0 };
	ssize_t n = recvmsg(t->fds[host], &m, MSG_DONTWAIT);
	struct frame_view v;
	bool leaves;

	if (n < 0)
		return false;
	if (frame_parse(&v, t->frame, n))
		return true;
	leaves = from.sll_pkttype == PACKET_OUTGOING;
	tape_keep(t,
		  &(struct tape_frame){ .at_ns = tape_time(&m),
					.seq = v.seq,
					.ack = v.ack,
					.tsval = v.tsval,
					.tsecr = v.tsecr,
					.bytes = v.payload_bytes,
					.sport = v.sport,
					.dport = v.dport,
					.window = v.window,
					.flags = v.flags,
					.host = host,
					.version = v.version,
					.leaves = leaves },
		  leaves == (host == LAB_CLIENT));
	return true;
}

static void *tape_record(void *arg)
{
	struct tape *t = arg;
	struct pollfd p[TAPE_HOSTS] = { { t->fds[0], POLLIN }, { t->fds[1], POLLIN } };

	while (!atomic_load(&t->over)) {
		poll(p, TAPE_HOSTS, 100);
		for (int host = 0; host < TAPE_HOSTS; host++)
			while (tape_take(t, host))
				;
	}
	return NULL;
}

struct tape *tape_new(struct stage *s)
{
	struct tape *t = calloc(1, sizeof(*t));

	ck_assert_ptr_nonnull(t);
	t->stage = s;
	t->frame = malloc(TAPE_FRAME_MAX);
	ck_assert_ptr_nonnull(t->frame);
	t->ports = mmap(NULL, TAPE_PORTS * sizeof(*t->ports), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(t->ports, MAP_FAILED);
	for (int host = 0; host < TAPE_HOSTS; host++) {
		t->fds[host] = tape_open(s, host);
		ck_assert_int_ge(t->fds[host], 0);
	}
	pthread_mutex_init(&t->lock, NULL);
	ck_assert_int_eq(pthread_create(&t->thread, NULL, tape_record, t), 0);
	return t;
}

struct tape *tape_free(struct tape *t)
{
	if (!t)
		return NULL;
	atomic_store(&t->over, true);
	pthread_join(t->thread, NULL);
	for (int host = 0; host < TAPE_HOSTS; host++)
		close(t->fds[host]);
	pthread_mutex_destroy(&t->lock);
	munmap(t->ports, TAPE_PORTS * sizeof(*t->ports));
	free(t->frame);
	free(t);
	return NULL;
}

/* What ss says of the sockets on either end; free() it. */
static char *tape_sockets(struct tape *t, int host, uint16_t port, uint16_t server_port)
{
	const char *argv[] = { "ss", "-OHtanoi", NULL, NULL };
	bool at_client = host == LAB_CLIENT;
	char filter[64], *output = NULL;

	snprintf(filter, sizeof(filter), "sport = :%u and dport = :%u",
		 at_client ? port : server_port, at_client ? server_port : port);
	argv[2] = filter;
	if (!lab_run(t->stage->lab, host, argv, TAPE_SS_TIMEOUT, &output))
		return output;
	free(output);
	return strdup("ss cannot be run");
}

static void tape_show_sockets(const char *whose, char *text)
{
	char *line, *rest;

	printf("#   sockets of the %s:\n", whose);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		printf("#     %s\n", line);
}

static int tape_by_time(const void *a, const void *b)
{
	const struct tape_frame *x = a, *y = b;

	return x->at_ns < y->at_ns ? -1 : x->at_ns > y->at_ns;
}

static void tape_show_frame(const struct tape_frame *f, uint64_t end_ns)
{
	static const char letters[] = "FSRPAUEC";
	char flags[sizeof(letters)] = "";

	for (int i = 0, n = 0; letters[i]; i++)
		if (f->flags >> i & 1)
			flags[n++] = letters[i];
	printf("#   %12.6f %s %s v%d %5u>%-5u %-4s seq %10u ack %10u ts %u %u win %u, %u bytes\n",
	       -(double)(end_ns - f->at_ns) / 1e9, f->host == LAB_CLIENT ? "client" : "server",
	       f->leaves ? "sends" : "gets ", f->version, f->sport, f->dport, flags, f->seq, f->ack,
	       f->tsval, f->tsecr, f->window, f->bytes);
}

static void tape_show_frames(struct tape *t, uint16_t port, uint16_t server_port)
{
	struct tape_port *p = &t->ports[port];
	uint32_t count;

	pthread_mutex_lock(&t->lock);
	count = p->count < TAPE_FRAMES ? p->count : TAPE_FRAMES;
	qsort(p->frames, count, sizeof(p->frames[0]), tape_by_time);
	printf("#   of the latest %u frames (of %u), in seconds before the last:\n", count,
	       p->count);
	for (uint32_t i = 0; i < count; i++)
		if (p->frames[i].sport == server_port || p->frames[i].dport == server_port)
			tape_show_frame(&p->frames[i], p->frames[count - 1].at_ns);
	p->count = count; /* in order now, so the oldest is the next to go */
	pthread_mutex_unlock(&t->lock);
}

void tape_show(struct tape *t, uint16_t port, uint16_t server_port)
{
	_cleanup_free_ char *client = tape_sockets(t, LAB_CLIENT, port, server_port);
	_cleanup_free_ char *server = tape_sockets(t, LAB_SERVER, port, server_port);

	usleep(TAPE_PATIENCE_US);
	printf("# from port %u of the client to port %u:\n", port, server_port);
	tape_show_frames(t, port, server_port);
	tape_show_sockets("client", client);
	tape_show_sockets("server", server);
	fflush(stdout);
}
