/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include "client.h"

#include <check.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack.h"

/* Not scaled it is still more than a segment, which the kernel would otherwise cut. */
#define CLIENT_WINDOW 60000

/* tcpi_rcv_wnd of Linux 6.2's struct tcp_info, behind what older headers know of it */
#define RCV_WND_OFFSET 232

static struct connection connection_accept(int listener, const struct frame_spec *ack)
{
	struct connection c = { .fd = stack_accept(listener), .next = *ack };

	ck_assert_msg(c.fd >= 0, "accept() found no connection");
	return c;
}

struct prog *connection_defended(int *listener, int backlog)
{
	struct prog *p = prog_new(stack_new());

	*listener = stack_listen(.backlog = backlog);
	prog_defend(p, &client_linux4);
	prog_defend(p, &client_linux6);
	return p;
}

struct prog *connection_attached(int *listener, int backlog)
{
	struct prog *p = connection_defended(listener, backlog);

	prog_attach(p);
	return p;
}

struct frame_spec connection_again(const struct frame_spec *syn, __u32 seq, __u32 tsval)
{
	struct frame_spec again = *syn;
	struct frame_option *o;

	again.seq = seq;
	for (o = again.options; o->bytes; o++)
		if (o->b[0] == 8)
			*o = (struct frame_option)FRAME_TS(tsval, 0);
	return again;
}

void connection_deliver_past(struct prog *p, const struct frame_spec *ack)
{
	struct prog_frame f = prog_frame(ack);

	prog_mark(p);
	prog_deliver(p, &f);
	prog_await(p, SG_INGRESS, 2);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_CLEARED), 1);
	ck_assert_uint_eq(prog_counted(p, SG_INGRESS, SG_V_ACCEPTED), 1);
	ck_assert_uint_eq(prog_counters(p, SG_INGRESS).packets, p->marked[SG_INGRESS].packets + 2);
}

struct connection connection_challenged(struct prog *p, const struct frame_spec *syn, int listener)
{
	struct frame_spec ack = prog_answer(p, syn);

	ack.window = CLIENT_WINDOW;
	expect_delivery(p, &ack, SG_V_ACCEPTED);
	return connection_accept(listener, &ack);
}

struct connection connection_plain(struct prog *p, const struct frame_spec *syn, int listener)
{
	struct prog_frame f = prog_frame(syn);
	struct frame_view asked = prog_view(&f), synack;
	struct frame_spec ack;

	prog_deliver(p, &f);
	synack = stack_view_sent();
	ack = frame_answer(&synack, asked.tsval + 10);
	ack.window = CLIENT_WINDOW;
	f = prog_frame(&ack);
	prog_deliver(p, &f);
	return connection_accept(listener, &ack);
}

void connection_end(struct prog *p, struct connection *c)
{
	struct frame_view fin;
	struct prog_frame f;

	close(c->fd);
	fin = stack_view_sent();
	ck_assert_int_eq(fin.flags, FRAME_FIN | FRAME_ACK);
	c->next.ack = fin.seq + 1;
	c->next.flags = FRAME_FIN | FRAME_ACK;
	f = prog_frame(&c->next);
	prog_deliver(p, &f);
	c->next.seq++;
	ck_assert_int_eq(stack_view_sent().flags, FRAME_ACK);
}

struct tcp_info connection_info(const struct connection *c)
{
	struct tcp_info info = {};
	socklen_t bytes = sizeof(info);

	ck_assert_int_eq(getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	return info;
}

__u32 connection_rcv_wnd(const struct connection *c)
{
	__u32 words[64] = {};
	socklen_t bytes = sizeof(words);

	ck_assert_int_eq(getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, words, &bytes), 0);
	ck_assert_uint_gt(bytes, RCV_WND_OFFSET);
	return words[RCV_WND_OFFSET / sizeof(words[0])];
}
