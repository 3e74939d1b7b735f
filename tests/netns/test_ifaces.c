/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces that come, go and change, also while messages about them are lost: traps F9 and C11.
 * What the daemon knows and has attached is compared with what the kernel has (truth.h).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "noise.h"
#include "stage.h"
#include "suite.h"
#include "synguard/abi.h"
#include "tests/lab/flood.h"
#include "truth.h"
#include "watch.h"

#define RANDOM_SLOTS 10
#define RANDOM_SEED  20240229

static void agrees(struct stage *s, const char *when)
{
	const char *reason = truth_agrees(s, "rnd", LAB_IFNAME);

	ck_assert_msg(!reason, "%s: %s", when, reason);
}

/* lab0 and whatever is called rnd... are meant. */
static void raise_ports(struct stage *s)
{
	static const char *const args[] = { "--interface", LAB_IFNAME, NULL };
	const struct lab_daemon_options o = { .interface = "rnd*", .mode = "always", .args = args };
	char tail[1024];

	stage_raise(s, &(struct server_options){});
	ok(lab_daemon_start(&s->daemon, s->lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
}

/* ---- random changes ------------------------------------------------------------------------ */

/* One veth, its other end in the client's host. */
struct slot {
	int number;
	int host; /* -1: there is none */
	bool odd; /* not called rnd */
	bool up, addr4, addr6;
};

static const char *slot_name(const struct slot *slot)
{
	static char name[16];

	snprintf(name, sizeof(name), "%s%d", slot->odd ? "odd" : "rnd", slot->number);
	return name;
}

static int slot_make(struct stage *s, struct slot *slot)
{
	char peer[16];
	int number = slot->number;

	snprintf(peer, sizeof(peer), "peer%d", number);
	*slot = (struct slot){ .number = number, .host = LAB_SERVER, .up = true };
	return lab_link_add(s->lab,
			    &(struct lab_end){ .host = LAB_SERVER, .ifname = slot_name(slot) },
			    &(struct lab_end){ .host = LAB_CLIENT, .ifname = peer });
}

static int slot_address(struct stage *s, struct slot *slot, bool v6, bool *has)
{
	char text[64];

	/* two neighbours share each address: it is there until both have lost it */
	snprintf(text, sizeof(text), v6 ? "2001:db8:9::%d/128" : "203.0.113.%d/32",
		 slot->number / 2 + 1);
	*has = !*has;
	return *has ? lab_addr_add(s->lab, slot->host, slot_name(slot), text) :
		      lab_addr_del(s->lab, slot->host, slot_name(slot), text);
}

static int slot_rename(struct stage *s, struct slot *slot)
{
	char from[16];

	snprintf(from, sizeof(from), "%s", slot_name(slot));
	slot->odd = !slot->odd;
	return lab_link_rename(s->lab, slot->host, from, slot_name(slot));
}

static int slot_move(struct stage *s, struct slot *slot, int elsewhere)
{
	int to = slot->host == LAB_SERVER ? elsewhere : LAB_SERVER;
	int err = lab_link_move(s->lab, slot->host, slot_name(slot), to);

	slot->host = to;
	slot->up = slot->addr4 = slot->addr6 = false;
	return err;
}

static int slot_up(struct stage *s, struct slot *slot)
{
	slot->up = !slot->up;
	if (!slot->up) /* IPv6 addresses go with it, IPv4 ones stay */
		slot->addr6 = false;
	return lab_link_set_up(s->lab, slot->host, slot_name(slot), slot->up);
}

static int slot_delete(struct stage *s, struct slot *slot)
{
	int host = slot->host;

	slot->host = -1;
	return lab_link_del(s->lab, host, slot_name(slot));
}

static void slot_change(struct stage *s, struct slot *slot, int elsewhere, __u64 *state)
{
	int what = noise_below(state, 12), err;

	if (slot->host < 0)
		err = slot_make(s, slot);
	else if (what < 3)
		err = slot_delete(s, slot);
	else if (what < 5)
		err = slot_rename(s, slot);
	else if (what < 6)
		err = slot_move(s, slot, elsewhere);
	else if (what < 8)
		err = slot_up(s, slot);
	else if (what < 9)
		err = lab_link_set_mtu(s->lab, slot->host, slot_name(slot),
				       1300 + noise_below(state, 3000));
	else
		err = what == 9 ? slot_address(s, slot, false, &slot->addr4) :
		      slot->up	? slot_address(s, slot, true, &slot->addr6) :
				  0;
	ck_assert_msg(!err, "change %d of %s: %s", what, slot_name(slot), strerror(-err));
}

/* Nothing of ours is on an interface that is elsewhere. */
static void nothing_elsewhere(struct stage *s, const struct slot *slots, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		const struct slot *slot = &slots[i];

		if (slot->host >= 0 && slot->host != LAB_SERVER)
			ck_assert_uint_eq(
				truth_programs(s, slot->host,
					       lab_ifindex(s->lab, slot->host, slot_name(slot)))
					.count,
				0);
	}
}

/*
 * _i = 1: while a flood is answered and clients connect on lab0. 1000 changes in the long form;
 * messages are lost in both.
 */
START_TEST(f9_random_changes)
{
	const struct clients_options co = {
		.port = STAGE_PORT, .rate_per_sec = 20, .duration_ms = 4000, .deadline_ms = 10000
	};
	int changes = suite_full() ? 1500 : 150, i, elsewhere;
	struct slot slots[RANDOM_SLOTS];
	struct clients *clients = NULL;
	struct clients_result people;
	struct flood *flood = NULL;
	__u64 state = RANDOM_SEED + _i;
	size_t descriptors;
	struct stage s;

	for (i = 0; i < RANDOM_SLOTS; i++)
		slots[i] = (struct slot){ .number = i, .host = -1 };
	raise_ports(&s);
	elsewhere = lab_host_add(s.lab);
	ok(elsewhere, "a third host");
	stage_prove(&s, STAGE_PORT);
	agrees(&s, "at the start");
	descriptors =
		truth_descriptors(lab_daemon_pid(s.daemon)) - truth_links(lab_daemon_pid(s.daemon));
	truth_shrink_monitor(&s);
	if (_i) {
		flood = STAGE_FLOOD(&s, .rate_per_sec = 5000, .ipv6_share = 64,
				    .duration_ms = 300000);
		ok(clients_start(&clients, s.lab, LAB_CLIENT, &co), "clients");
	}
	for (i = 0; i < changes; i++) {
		slot_change(&s, &slots[noise_below(&state, RANDOM_SLOTS)], elsewhere, &state);
		if (i % 500 == 499)
			agrees(&s, "on the way");
	}
	agrees(&s, "at the end");
	nothing_elsewhere(&s, slots, RANDOM_SLOTS);
	ck_assert_uint_gt(truth_lost_messages(&s), 0);
	ck_assert_uint_eq(truth_descriptors(lab_daemon_pid(s.daemon)) -
				  truth_links(lab_daemon_pid(s.daemon)),
			  descriptors);
	if (_i) {
		ok(clients_wait(clients, &people), "the clients");
		ck_assert_uint_eq(people.connected, people.attempted);
		clients_result_done(&people);
		clients_free(clients);
		flood_free(flood);
	}
	stage_strike(&s);
}
END_TEST

/* ---- messages that are lost ---------------------------------------------------------------- */

/* A dozen changes of every kind while the daemon sleeps, all but the first of them unheard. */
START_TEST(c11_lost_messages)
{
	struct slot slots[4];
	unsigned long before;
	struct stage s;
	int i, elsewhere;

	raise_ports(&s);
	elsewhere = lab_host_add(s.lab);
	for (i = 0; i < 4; i++) {
		slots[i] = (struct slot){ .number = 2 * i, .host = -1 };
		ok(slot_make(&s, &slots[i]), "a link");
		ok(slot_address(&s, &slots[i], i % 2, i % 2 ? &slots[i].addr6 : &slots[i].addr4),
		   "an address");
	}
	agrees(&s, "before");
	truth_shrink_monitor(&s);
	before = truth_lost_messages(&s);
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	ok(slot_delete(&s, &slots[0]), "deleting");
	ok(slot_make(&s, &slots[0]), "making again");
	ok(slot_rename(&s, &slots[1]), "renaming");
	ok(slot_move(&s, &slots[2], elsewhere), "moving");
	ok(slot_address(&s, &slots[0], false, &slots[0].addr4), "an address");
	ok(slot_address(&s, &slots[1], true, &slots[1].addr6), "an address less");
	ok(slot_delete(&s, &slots[3]), "deleting");
	ok(lab_addr_add(s.lab, LAB_SERVER, LAB_IFNAME, "203.0.113.77/32"), "an address");
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	agrees(&s, "afterwards");
	nothing_elsewhere(&s, slots, 4);
	ck_assert_uint_gt(truth_lost_messages(&s), before);
	stage_strike(&s);
}
END_TEST

/*
 * The index of an interface that was deleted (or moved away, programs and all) is given to another
 * one. The daemon hears of both in one go, or of neither.
 */
START_TEST(f9_index_again)
{
	const struct lab_end peer = { .host = LAB_CLIENT, .ifname = "peer0" };
	struct lab_end end = { .host = LAB_SERVER, .ifname = "rnd0" };
	bool moved = _i & 1, lost = _i & 2;
	struct stage s;
	int elsewhere;

	raise_ports(&s);
	elsewhere = lab_host_add(s.lab);
	end.ifindex = 4711;
	ok(lab_link_add(s.lab, &end, &peer), "a link");
	agrees(&s, "before");
	if (lost)
		truth_shrink_monitor(&s);
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	if (moved) {
		ok(lab_link_move(s.lab, LAB_SERVER, "rnd0", elsewhere), "moving it");
		ck_assert_int_eq(lab_ifindex(s.lab, elsewhere, "rnd0"), 4711);
	} else {
		ok(lab_link_del(s.lab, LAB_SERVER, "rnd0"), "deleting it");
	}
	ok(lab_link_add(s.lab, &end, &(struct lab_end){ .host = LAB_CLIENT, .ifname = "peer1" }),
	   "another with its index");
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	agrees(&s, "afterwards");
	if (moved)
		ck_assert_uint_eq(truth_programs(&s, elsewhere, 4711).count, 0);
	if (lost)
		ck_assert_uint_gt(truth_lost_messages(&s), 0);
	stage_strike(&s);
}
END_TEST

/* An address that two interfaces have is there until both have lost it. */
START_TEST(f9_shared_address)
{
	static const char *const addresses[] = { "203.0.113.9/32", "2001:db8:9::9/128" };
	const char *address = addresses[_i];
	struct slot slot = { .number = 0 };
	struct stage s;

	raise_ports(&s);
	ok(slot_make(&s, &slot), "a link");
	ok(lab_addr_add(s.lab, LAB_SERVER, "rnd0", address), "an address");
	ok(lab_addr_add(s.lab, LAB_SERVER, "lo", address), "the same again");
	agrees(&s, "twice");
	ok(lab_addr_del(s.lab, LAB_SERVER, "rnd0", address), "once less");
	usleep(100000);
	agrees(&s, "once");
	ok(lab_addr_del(s.lab, LAB_SERVER, "lo", address), "once less");
	agrees(&s, "gone");
	stage_strike(&s);
}
END_TEST

/* ---- names --------------------------------------------------------------------------------- */

/* "auto" takes no veth (F4); patterns and exclusions as on the command line. */
START_TEST(f4_auto_and_patterns)
{
	static const struct {
		const char *word, *another;
		size_t rows;
	} rows[] = {
		{ "auto", "auto", 0 }, { "lab*", "nothing9", 1 }, { "l*", "!lab0", 0 },
		{ "lab0", "*", 2 },    { "!lab0", "*", 1 },
	};
	const char *const args[] = { "--interface", rows[_i].another, NULL };
	const struct lab_daemon_options o = { .interface = rows[_i].word, .args = args };
	const struct lab_end a = { .host = LAB_SERVER, .ifname = "other0" };
	const struct lab_end b = { .host = LAB_CLIENT, .ifname = "other0" };
	char tail[1024];
	json_t *status;
	struct stage s;

	stage_raise(&s, NULL);
	ok(lab_link_add(s.lab, &a, &b), "another link");
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	status = stage_status(&s);
	ck_assert_uint_eq(json_array_size(json_object_get(status, "interfaces")), rows[_i].rows);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

/* ---- many at once -------------------------------------------------------------------------- */

#define MANY		   200
#define MANY_SMALL	   60
#define MANY_LATE_MS	   10 /* a tick at most */
#define MANY_NOISE_MS	   60 /* of a machine that does other things as well */
#define HEARTBEAT_LOOKS_US 500

/* The longest time between two ticks within so many seconds. */
static __u64 longest_tick_ns(pid_t pid, int seconds)
{
	int fd = watch_map(pid, "synguard.bss"), looks = seconds * 1000000LL / HEARTBEAT_LOOKS_US;
	__u64 last = 0, longest = 0;

	while (looks--) {
		__u64 now = watch_control(fd).heartbeat_ns;

		if (last && now - last > longest)
			longest = now - last;
		last = now;
		usleep(HEARTBEAT_LOOKS_US);
	}
	close(fd);
	ck_assert_uint_gt(longest, 0);
	return longest;
}

/* The daemon hears of all of them in one go, and ticks on while they are attached to. */
START_TEST(f9_many_at_once)
{
	int count = suite_full() ? MANY : MANY_SMALL, i;
	__u64 longest;
	struct stage s;

	raise_ports(&s);
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	for (i = 0; i < count; i++) {
		struct slot slot = { .number = i };

		ok(slot_make(&s, &slot), "a link");
	}
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	usleep(50000); /* the tick that was late because it slept */
	longest = longest_tick_ns(lab_daemon_pid(s.daemon), suite_full() ? 12 : 4);
	printf("# %d interfaces at once: the longest time between two ticks is %llu us\n", count,
	       (unsigned long long)longest / 1000);
	ck_assert_uint_lt(longest, (1000 + MANY_LATE_MS + MANY_NOISE_MS) * 1000000ULL);
	agrees(&s, "at the end");
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_LOOP(f9_random_changes, 2, 90, .full_seconds = 600),
	SUITE_TEST(c11_lost_messages, 60),
	SUITE_LOOP(f9_index_again, 4, 60),
	SUITE_LOOP(f9_shared_address, 2, 30),
	SUITE_LOOP(f4_auto_and_patterns, 5, 30),
	SUITE_TEST(f9_many_at_once, 180),
	{}
};
/* clang-format on */
