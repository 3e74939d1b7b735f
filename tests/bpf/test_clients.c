/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verified clients: who enters, who passes, and that no flood of forged sources moves any of it.
 */
#include "client.h"
#include "connection.h"
#include "stack.h"
#include "suite.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "synguard.skel.h"

#define ALLOWANCE 8

static struct prog *defended(int *listener)
{
	struct prog *p = connection_defended(listener, 1024);

	p->control->client_allowance = ALLOWANCE;
	return p;
}

/* The SYN of a client with another port; its verdict. */
static enum sg_verdict syn_of(struct prog *p, const struct frame_spec *client, const char *source,
			      int port)
{
	struct frame_spec syn = *client;
	struct prog_frame f;

	syn.sport = port;
	if (source)
		syn.src = source;
	f = prog_frame(&syn);
	return prog_judge(p, SG_XDP, &f, __FILE__, __LINE__);
}

/* With everything attached, which sees packets of the stack too, only for as long as this takes. */
static void complete(struct prog *p, const struct frame_spec *client, int port, int listener)
{
	struct frame_spec syn = *client;

	syn.sport = port;
	prog_attach(p);
	close(connection_challenged(p, &syn, listener).fd);
	prog_detach(p);
}

static struct sg_client_set *read_sets(struct prog *p)
{
	struct sg_client_set *sets = calloc(SG_CLIENT_SETS, sizeof(*sets));
	__u32 i;

	prog_must(sets, "memory");
	for (i = 0; i < SG_CLIENT_SETS; i++)
		prog_must(!bpf_map__lookup_elem(p->skel->maps.clients, &i, sizeof(i), &sets[i],
						sizeof(*sets), 0),
			  "the clients");
	return sets;
}

static int entries(const struct sg_client_set *sets)
{
	int i, way, n = 0;

	for (i = 0; i < SG_CLIENT_SETS; i++)
		for (way = 0; way < SG_CLIENT_WAYS; way++)
			n += sets[i].of[way].key != 0;
	return n;
}

START_TEST(clients_pass_once_verified)
{
	const struct frame_spec *client = _i ? &client_linux6 : &client_linux4;
	struct prog *p;
	int listener;

	p = defended(&listener);
	complete(p, client, 900, listener);
	ck_assert_int_eq(syn_of(p, client, NULL, 1000), SG_V_SYN_VERIFIED);
	ck_assert_int_eq(syn_of(p, client, _i ? "2001:db8:7::1" : "198.51.100.7", 1000),
			 SG_V_CHALLENGED);
	/* of IPv6 the network is known */
	if (_i)
		ck_assert_int_eq(syn_of(p, client, "2001:db8::4242", 1001), SG_V_SYN_VERIFIED);
	p->control->mode = SG_MODE_ALWAYS;
	ck_assert_int_eq(syn_of(p, client, NULL, 1002), SG_V_CHALLENGED);
	prog_free(p);
	close(listener);
}
END_TEST

/* Whoever forges a verified client gets as far as its allowance. A window may end meanwhile. */
START_TEST(clients_have_an_allowance)
{
	enum sg_verdict v;
	struct prog *p;
	int listener, i, passed = 0;

	p = defended(&listener);
	complete(p, &client_linux4, 900, listener);
	for (i = 0; i < 10 * ALLOWANCE; i++) {
		v = syn_of(p, &client_linux4, NULL, 1000 + i);
		ck_assert_msg(v == SG_V_SYN_VERIFIED || v == SG_V_CHALLENGED, "%s", prog_label(v));
		passed += v == SG_V_SYN_VERIFIED;
	}
	ck_assert_int_ge(passed, ALLOWANCE);
	ck_assert_int_le(passed, 2 * ALLOWANCE);
	/* a handshake is evidence anew: one place more, unless the window has changed */
	complete(p, &client_linux4, 901, listener);
	ck_assert_int_eq(syn_of(p, &client_linux4, NULL, 2000), SG_V_SYN_VERIFIED);
	prog_free(p);
	close(listener);
}
END_TEST

/* Trap C4, in one process: what random sources leave in the table is what was there before. */
START_TEST(c4_forged_sources_enter_nobody)
{
	int listener, i, syns = suite_full() ? 10000000 : 200000;
	struct sg_client_set *before, *after;
	struct frame_spec syn = client_linux4;
	struct prog *p;
	char source[32];

	p = defended(&listener);
	complete(p, &client_linux4, 900, listener);
	before = read_sets(p);
	ck_assert_int_eq(entries(before), 1);
	for (i = 0; i < syns; i++) {
		struct prog_frame f;

		snprintf(source, sizeof(source), "198.%d.%d.%d", 18 + (i >> 16 & 1), i >> 8 & 255,
			 i & 255);
		syn.src = source;
		syn.sport = 1024 + i % 60000;
		f = prog_frame(&syn);
		prog_run(p, SG_XDP, &f);
	}
	after = read_sets(p);
	ck_assert(!memcmp(before, after, SG_CLIENT_SETS * sizeof(*before)));
	ck_assert_int_eq(syn_of(p, &client_linux4, NULL, 1000), SG_V_SYN_VERIFIED);
	free(before);
	free(after);
	prog_free(p);
	close(listener);
}
END_TEST

/* In a full table the client that was not seen for longest gives way, and nobody else. */
START_TEST(clients_oldest_gives_way)
{
	__u32 window = prog_now_ns() >> SG_BUDGET_WINDOW_SHIFT;
	struct sg_client_set *before, *after;
	int listener, i, way, changed = 0;
	struct prog *p;

	p = defended(&listener);
	before = read_sets(p);
	for (i = 0; i < SG_CLIENT_SETS; i++) {
		__u32 at = i;

		for (way = 0; way < SG_CLIENT_WAYS; way++)
			before[i].of[way] = (struct sg_client){
				.key = 1 + i * SG_CLIENT_WAYS + way,
				/* way 2 is the oldest */
				.seen = window - (way == 2 ? 100 : way),
			};
		prog_must(!bpf_map__update_elem(p->skel->maps.clients, &at, sizeof(at), &before[i],
						sizeof(*before), 0),
			  "the clients");
	}
	complete(p, &client_linux4, 900, listener);
	after = read_sets(p);
	for (i = 0; i < SG_CLIENT_SETS; i++)
		for (way = 0; way < SG_CLIENT_WAYS; way++)
			if (memcmp(&before[i].of[way], &after[i].of[way],
				   sizeof(struct sg_client))) {
				ck_assert_int_eq(way, 2);
				changed++;
			}
	ck_assert_int_eq(changed, 1);
	ck_assert_int_eq(syn_of(p, &client_linux4, NULL, 1000), SG_V_SYN_VERIFIED);
	free(before);
	free(after);
	prog_free(p);
	close(listener);
}
END_TEST

/* The clients of one network do not take each other's place. */
START_TEST(clients_of_one_network)
{
	const struct frame_spec *client = _i ? &client_linux6 : &client_linux4;
	struct prog *p;
	int listener, i;
	char source[32];

	p = defended(&listener);
	stack_command(_i ? "ip -6 route add 2001:db8::/56 dev server" :
			   "ip route add 192.0.2.0/24 dev server");
	for (i = 0; i < 32; i++) {
		struct frame_spec syn = *client;

		snprintf(source, sizeof(source), _i ? "2001:db8:0:%x::1" : "192.0.2.%d", i);
		syn.src = source;
		complete(p, &syn, 900, listener);
	}
	for (i = 0; i < 32; i++) {
		snprintf(source, sizeof(source), _i ? "2001:db8:0:%x::1" : "192.0.2.%d", i);
		ck_assert_int_eq(syn_of(p, client, source, 1000), SG_V_SYN_VERIFIED);
	}
	prog_free(p);
	close(listener);
}
END_TEST

/* An hour later a client is anybody again. */
START_TEST(clients_are_forgotten)
{
	struct sg_client_set *sets;
	struct prog *p;
	int listener, i;

	p = defended(&listener);
	complete(p, &client_linux4, 900, listener);
	sets = read_sets(p);
	for (i = 0; i < SG_CLIENT_SETS; i++) {
		__u32 at = i;

		if (!entries(sets) || !sets[i].of[0].key)
			continue;
		sets[i].of[0].seen -= SG_CLIENT_WINDOWS;
		prog_must(!bpf_map__update_elem(p->skel->maps.clients, &at, sizeof(at), &sets[i],
						sizeof(*sets), 0),
			  "the clients");
	}
	ck_assert_int_eq(syn_of(p, &client_linux4, NULL, 1000), SG_V_CHALLENGED);
	free(sets);
	prog_free(p);
	close(listener);
}
END_TEST

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(clients_pass_once_verified, 2, 30),
	SUITE_TEST(clients_have_an_allowance, 30),
	SUITE_TEST(c4_forged_sources_enter_nobody, 300),
	SUITE_TEST(clients_oldest_gives_way, 30),
	SUITE_LOOP(clients_of_one_network, 2, 30),
	SUITE_TEST(clients_are_forgotten, 30),
	{}
};
/* clang-format on */
