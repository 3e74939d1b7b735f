/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "connection.h"
#include "stack.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define HOUR_NS 3600000000000ULL

/* clang-format off */
static const struct stack_listener listeners[TRUTH_LISTENERS] = {
	{ .port = 80 },
	{ .port = 443, .maxseg = 1300, .ttl = 32, .tos = 0x28, .rcvbuf = 20000, .backlog = 100 },
	{ .port = 444, .v6only = true },
	{ .port = PORT_FULL, .backlog = 1 },
	{ .port = PORT_LEFT_ALONE },
	{ .port = 448, .reuseport = true },
	{ .port = PORT_HALF_OPEN, .backlog = 4 },
	{ .port = PORT_MPTCP, .protocol = IPPROTO_MPTCP },
};

static const struct { const char *text; bool local; } addresses[] = {
	{ STACK_SERVER4, true }, { STACK_SERVER6, true }, { "fe80::2", true },
	{ "203.0.113.99", false }, { "2001:db8::99", false },
};

static const __u32 hindrances[] = { 0, 0, 0, 0, 0, 0, SG_V_NO_LISTENER, SG_V_NOT_LOCAL,
				    SG_V_ACCEPT_FULL, SG_V_LEFT_ALONE, SG_V_MPTCP_LISTENER,
				    SG_V_SYNCOOKIES_OFF, SG_V_NAT, SG_V_STRICT_CONNTRACK };
/* clang-format on */

/* Differs from the interface's in one bit of the second half. */
const __u8 truth_mac_above[6] = { 2, 0, 0, 0, 0, 3 };

__u64 truth_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

struct frame_spec truth_syn(const char *address, __u32 port)
{
	bool six = strchr(address, ':');

	return (struct frame_spec){ .version = six ? 6 : 4,
				    .dst = address,
				    .dport = port,
				    .options = { FRAME_LINUX_SYN(1460, CLIENT_TSVAL, 7) } };
}

/* What the listener's window is, the program is asked once: test_offers holds it to the kernel. */
static void learn_window(struct truth *t, struct model_listener *l, __u32 port)
{
	struct frame_spec syn = truth_syn(STACK_SERVER6, port);
	struct prog_frame f = prog_frame(&syn);
	struct sg_service *s;

	prog_run(t->p, SG_XDP, &f);
	s = prog_service(t->p, &syn);
	ck_assert_msg(s, "no service on port %u", port);
	l->window_space = s->window_space;
	l->wscale = s->wscale;
	memset(s, 0, sizeof(*s));
}

static bool listen_on(struct truth *t, int i)
{
	const struct stack_listener *want = &listeners[i];
	int fd, n;

	if (want->protocol && (fd = socket(AF_INET6, SOCK_STREAM, want->protocol)) < 0)
		return false;
	if (want->protocol)
		close(fd);
	fd = stack_listen_as(want);
	if (want->reuseport)
		stack_listen_as(want);
	for (n = 0; want->port == PORT_FULL && n < 2; n++)
		stack_connect(fd, AF_INET);
	for (n = 0; want->port == PORT_HALF_OPEN && n < 3; n++) {
		struct frame_spec syn = truth_syn(STACK_SERVER4, want->port);
		struct prog_frame f;

		syn.sport = 50000 + n;
		f = prog_frame(&syn);
		prog_deliver(t->p, &f);
	}
	t->found[i] = (struct model_listener){
		.backlog = want->backlog ? want->backlog : 128,
		.half_open = want->port == PORT_HALF_OPEN ? 3 : 0,
		.in_group = want->reuseport,
		.v6only = want->v6only,
		.hindrance = want->port == PORT_FULL	   ? SG_V_ACCEPT_FULL :
			     want->port == PORT_LEFT_ALONE ? SG_V_LEFT_ALONE :
			     want->protocol		   ? SG_V_MPTCP_LISTENER :
							     0,
		.user_mss = want->maxseg,
		.offers = SG_OFFER_TS | SG_OFFER_SACK | SG_OFFER_WSCALE | SG_OFFER_ECN,
		.ttl = want->ttl ? want->ttl : 64,
		.own_ttl = want->ttl,
		.tos = want->tos,
	};
	learn_window(t, &t->found[i], want->port);
	return true;
}

static void add_places(struct truth *t)
{
	static const __u32 all[] = {
		80,	    443, 444, PORT_FULL, PORT_MPTCP, PORT_LEFT_ALONE, 448, PORT_HALF_OPEN,
		PORT_CLOSED
	};
	size_t a, i, l;

	for (a = 0; a < TRUTH_COUNT(addresses); a++) {
		for (i = 0; i < TRUTH_COUNT(all); i++) {
			struct model_place *at = &t->m.places[t->m.place_count];

			at->addr = frame_addr(addresses[a].text);
			at->port = all[i];
			at->local = addresses[a].local;
			for (l = 0; l < TRUTH_COUNT(listeners); l++)
				if (listeners[l].port == (int)all[i] && t->found[l].ttl)
					at->listener = &t->found[l];
			t->index[t->m.place_count++] = -1;
		}
	}
}

/* A client that completed a handshake, in the only way that there is. The connection stays. */
static void verify(struct truth *t, const struct frame_spec *client, int listener)
{
	struct frame_spec syn = *client;

	prog_enter(t->p, client);
	syn.sport = 50010;
	prog_attach(t->p);
	connection_plain(t->p, &syn, listener);
	prog_detach(t->p);
}

static void add_clients(struct truth *t)
{
	int fd = stack_listen(.port = STACK_PORT + 1000), i;
	struct frame_spec clients[] = { client_linux4, client_linux6 };

	for (i = 0; i < 2; i++) {
		clients[i].dport = STACK_PORT + 1000;
		verify(t, &clients[i], fd);
	}
	close(fd);
	t->m.clients[0] = frame_addr(STACK_CLIENT4);
	t->m.clients[1] = frame_addr(STACK_CLIENT6);
	t->m.client_count = 2;
}

static __u64 chosen_seed(void)
{
	const char *text = getenv("SG_SEED");
	__u32 seed;

	if (text)
		return strtoull(text, NULL, 0);
	prog_must(getrandom(&seed, sizeof(seed), 0) == sizeof(seed), "getrandom");
	return seed;
}

struct truth *truth_new(void)
{
	struct truth *t = calloc(1, sizeof(*t));
	struct frame_spec left_alone = truth_syn(STACK_SERVER4, PORT_LEFT_ALONE);
	struct frame_spec link_local = truth_syn("fe80::2", 80);
	struct sg_control *c;
	size_t i;

	prog_must(t, "memory");
	t->p = prog_new(stack_new());
	c = t->p->control;
	stack_sysctl("ipv4/tcp_synack_retries", "100"); /* what is half-open stays so */
	prog_add_local(t->p, &link_local);
	prog_leave_alone(t->p, &left_alone, 0, PORT_LEFT_ALONE);
	t->splits = prog_can_split(t->p);
	t->seed = t->first_seed = chosen_seed();
	memcpy(t->m.key, c->key, sizeof(t->m.key));
	t->m.tsval_offset = c->tsval_offset;
	t->m.lease_ns = c->lease_ns;
	t->m.ifindex = t->p->ifindex;
	prog_add_mac(t->p, truth_mac_above);
	memcpy(t->m.macs[0], (__u8[]){ 2, 0, 0, 0, 0, 2 }, 6);
	memcpy(t->m.macs[1], truth_mac_above, 6);
	t->m.mtu = 1500;
	c->cpus = 0; /* no lease is renewed by what is not answered */
	add_clients(t);
	for (i = 0; i < TRUTH_COUNT(listeners); i++)
		listen_on(t, i);
	add_places(t);
	memset(t->p->services, 0, SG_SERVICES_MAX * sizeof(struct sg_service));
	for (i = 0; i < SG_SERVICES_MAX; i++)
		t->asked[i] = prog_tally(t->p, &t->p->services[i]).syns;
	printf("# seed %llu\n", t->first_seed);
	return t;
}

/* ---- the state of things ------------------------------------------------------------------- */

static __u64 now_or(struct truth *t, __u64 now, __u64 otherwise, __u32 one_in)
{
	return truth_chance(t, one_in) ? otherwise : now;
}

static void shake_service(struct truth *t, struct sg_service *s)
{
	__u64 now = truth_clock_ns(), later = now + HOUR_NS;
	__u32 epoch = (now >> SG_EPOCH_SHIFT) + 2;

	s->lease_until_ns = now_or(t, later, truth_chance(t, 2) ? 0 : now - 1, 4);
	s->blocked_until_ns = now_or(t, 0, later, 30);
	s->forwarded_until_ns = now_or(t, now - 1, later, 30);
	s->proven_at_ns = now_or(t, now, 0, 30);
	s->checked_at_ns = now_or(t, now, now - 1000000000, 4);
	s->vlan = truth_chance(t, 4) ? SG_VLAN_PRESENT | 7 : 0;
	s->hindrance = TRUTH_ONE_OF(t, hindrances);
	s->quota = (int)noise_below(&t->seed, 4) - 1;
	s->window_space = truth_chance(t, 4) ? noise(&t->seed) : 65536;
	s->user_mss = truth_chance(t, 4) ? TRUTH_ONE_OF(t, truth_mss) : 0;
	s->wscale = noise_below(&t->seed, 15);
	s->offers = truth_chance(t, 2) ? 15 : noise(&t->seed);
	s->ttl = 1 + noise_below(&t->seed, 255);
	s->tos = noise(&t->seed);
	s->mss_clamp = truth_chance(t, 4) ? TRUTH_ONE_OF(t, truth_mss) : 0;
	s->ttl_set = truth_chance(t, 8) ? noise(&t->seed) : 0;
	s->tos_set = truth_chance(t, 8) ? noise(&t->seed) | SG_TOS_SET : 0;
	s->heard = truth_chance(t, 8) ? 0 : (now >> SG_HEARD_SHIFT) - noise_below(&t->seed, 6);
	s->bound_elsewhere = truth_chance(t, 30);
	s->promised[epoch & 1] = (__u64)(truth_chance(t, 2) ? epoch : epoch - 2) << 8 |
				 noise_below(&t->seed, 15);
}

/* Takes what is free of the place's set, so that a service finds no room; and gives it back. */
static void fill_set(struct truth *t, int index, bool full)
{
	struct sg_service *set = &t->p->services[index / TRUTH_WAYS * TRUTH_WAYS];
	int way;

	for (way = 0; way < TRUTH_WAYS; way++) {
		if (full && set[way].state == SG_SERVICE_FREE) {
			set[way].state = SG_SERVICE_CLAIMED;
			t->reserved[way] = 1;
		} else if (!full && t->reserved[way]) {
			set[way].state = SG_SERVICE_FREE;
			t->reserved[way] = 0;
		}
	}
}

/* What comes next is mostly for this place, so most of the time it is made what we want it to be. */
int truth_shake(struct truth *t)
{
	/* the first two addresses are the host's */
	int which = noise_below(&t->seed,
				truth_chance(t, 5) ? t->m.place_count : t->m.place_count * 2 / 5);
	int *index = &t->index[which];
	struct sg_control *c = t->p->control;
	__u64 now = truth_clock_ns();

	c->mode = t->m.mode = truth_chance(t, 40) ? SG_MODE_OFF : 1 + noise_below(&t->seed, 3);
	c->heartbeat_ns = t->m.heartbeat_ns = now_or(t, now, now - HOUR_NS / 30, 30);
	c->arm_percent = t->m.arm_percent = truth_chance(t, 4) ? noise_below(&t->seed, 101) : 50;
	t->m.clients_admitted = truth_chance(t, 2);
	c->client_allowance = t->m.clients_admitted ? 1u << 20 : 0;
	if (*index < 0)
		return which;
	if (truth_chance(t, 20)) {
		memset(&t->p->services[*index], 0, sizeof(struct sg_service));
		t->m.places[which].no_room = truth_chance(t, 2);
		if (t->m.places[which].no_room)
			fill_set(t, *index, true);
		else
			*index = -1;
	} else {
		shake_service(t, &t->p->services[*index]);
	}
	return which;
}

/* The table, as the model is to see it. */
void truth_show(struct truth *t)
{
	int i;

	for (i = 0; i < t->m.place_count; i++) {
		struct model_place *at = &t->m.places[i];

		at->service = (struct sg_service){};
		if (t->index[i] >= 0 && t->p->services[t->index[i]].state == SG_SERVICE_LIVE)
			at->service = t->p->services[t->index[i]];
	}
}

void truth_settle(struct truth *t, int place)
{
	if (!t->m.places[place].no_room)
		return;
	fill_set(t, t->index[place], false);
	t->m.places[place].no_room = false;
	t->index[place] = -1;
}

struct truth *truth_free(struct truth *t)
{
	prog_free(t->p);
	free(t);
	return NULL;
}
