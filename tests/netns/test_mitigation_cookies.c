/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two settings that engine listener needs, tcp_syncookies=2 and tcp_timestamps=2: put back
 * however the daemon ends, and whatever somebody else has written meanwhile (trap FW91).
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mitigator.h"
#include "suite.h"
#include "synguard/names.h"

#define COOKIES	   "net.ipv4.tcp_syncookies"
#define TIMESTAMPS "net.ipv4.tcp_timestamps"

/* What somebody else writes between the kill and --undo; it stays, and the rest is undone. */
static const struct {
	const char *name, *value, *before;
} others[] = {
	{},
	{ TIMESTAMPS, "0", "1" },
	{ COOKIES, "0", "0" },
};

static void undo_after(struct host *h, int other, const char *when)
{
	const char *name = others[other].name;
	struct said said;

	if (!name) {
		undo_well(h, when);
		as_before(h, when);
		return;
	}
	set_value(h, name, others[other].value);
	said = undo(h);
	ck_assert_msg(!said.exit_code, "%s: exit %d, %s", when, said.exit_code, said.err);
	said_done(&said);
	ck_assert_msg(value(h, name) == atoi(others[other].value), "%s: %s is %d", when, name,
		      value(h, name));
	set_value(h, name, others[other].before);
	as_before(h, when);
}

START_TEST(fw91_killed_anywhere)
{
	int passes = 1, killed = 0;
	struct host h;

	host_raise(&h);
	h.cookies = true;
	while (fall(&h, _i, passes++))
		undo_after(&h, killed++ % 3, fault_names[_i]);
	as_before(&h, "not killed at all");
	/* those of listeners are of other steps */
	if (_i != FAULT_LISTENER_TAKEN && _i != FAULT_LISTENER_UNDONE)
		ck_assert_msg(killed, "nothing comes by where %s", fault_names[_i]);
	if (_i == FAULT_TAKEN || _i == FAULT_BEFORE_TAKE || _i == FAULT_UNDONE)
		ck_assert_int_eq(killed, 3);
	host_strike(&h);
}
END_TEST

/* While both are taken: his value stays, the other one is undone when its time comes, 1 is no conflict. */
START_TEST(fw91_written_meanwhile)
{
	static const struct {
		const char *name, *other;
		int other_then; /* two seconds later */
	} cases[] = { { TIMESTAMPS, COOKIES, 2 }, { COOKIES, TIMESTAMPS, 1 } };
	struct mitigator c;
	struct host h;
	int i;

	host_raise(&h);
	ok(lab_enter(h.s.lab, LAB_SERVER), "entering the host");
	mitigator_new(&c, h.dir);
	c.settings = (struct settings){ .mitigation_syncookies = true,
					.mitigation_kernel_cookies = true,
					.mitigation_timestamps = true };
	mitigate(&c, DETECT_CALM);
	mitigator_start(&c);
	ck_assert_int_eq(value(&h, COOKIES), 2);
	ck_assert_int_eq(value(&h, TIMESTAMPS), 2);
	set_value(&h, cases[_i].name, "1");
	for (i = 0; i < 4; i++)
		mitigate(&c, DETECT_ATTACK);
	ck_assert_uint_eq(c.events[MITIGATION_CONFLICT], 1);
	ck_assert_int_eq(value(&h, cases[_i].name), 1);
	ck_assert_int_eq(value(&h, cases[_i].other), cases[_i].other_then);
	for (i = 0; i < 4; i++)
		mitigate(&c, DETECT_CALM);
	mitigation_free(c.mitigation);
	as_before(&h, cases[_i].name);
	host_strike(&h);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_RANGE(fw91_killed_anywhere, FAULT_NONE + 1, FAULT_COUNT, 60),
	SUITE_LOOP(fw91_written_meanwhile, 2, 30),
	{}
};
/* clang-format on */
