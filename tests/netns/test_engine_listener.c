/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Engine listener on a host with NAT or with an MPTCP listener, from the first SYN too many on: how soon
 * it challenges, and that neither the settings that it needs, nor a change of the engine, costs a
 * handshake.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "play.h"
#include "suite.h"
#include "synguard/cleanup.h"

#define COOKIES	   "net.ipv4.tcp_syncookies"
#define TIMESTAMPS "net.ipv4.tcp_timestamps"
#define CONNTRACK  "net.netfilter.nf_conntrack_count"

#define NAT                                                                                        \
	"nft 'table inet n { chain c { type nat hook postrouting priority srcnat; "                \
	"oifname \"nope\" masquerade; }; };'"

/* An attack is over as soon as it is. */
#define QUICK "[Detector]\nAttackRate=200\nEbbRate=50\nHoldSec=1s\n[Defence]\nLeaseSec=2s\n"

#define BACKLOG	  128
#define THRESHOLD (BACKLOG / 2)

static void shell(struct stage *s, const char *line)
{
	const char *const argv[] = { "sh", "-ec", line, NULL };

	ck_assert_msg(!lab_run(s->lab, LAB_SERVER, argv, 10000, NULL), "%s", line);
}

static int setting(struct stage *s, const char *name)
{
	char *text;
	int n;

	ok(lab_sysctl_get(s->lab, LAB_SERVER, name, &text), name);
	n = atoi(text);
	free(text);
	return n;
}

static void await_setting(struct stage *s, const char *name, int wanted, int seconds)
{
	int64_t end = clock_now_ns() + seconds * 1000000000LL;

	while (setting(s, name) != wanted && (int64_t)clock_now_ns() < end)
		usleep(10000);
	ck_assert_msg(setting(s, name) == wanted, "%s is still %d", name, setting(s, name));
}

static void raise_with_nat(struct stage *s, const char *mode, const char *config)
{
	stage_raise(s, &(struct server_options){ .backlog = BACKLOG });
	shell(s, NAT);
	stage_daemon_config(s, mode, config);
	stage_prove(s, STAGE_PORT);
}

/* ---- how soon --------------------------------------------------------------------------------- */

#define ROUNDS	    8
#define ROUNDS_FULL 100
#define PROBE_USEC  300
#define SOON_NS	    20000000

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t await_over_threshold(struct flood *flood)
{
	struct flood_counts counts;

	do
		flood_counts(flood, &counts);
	while (counts.offered <= THRESHOLD);
	return clock_now_ns();
}

/*
 * As long as tcp_timestamps is 1 a challenge has none, and the kernel's own answers have. Ports that the
 * host would take a second time for the same connection are not used again.
 */
static uint64_t await_challenge(struct wire *w)
{
	int64_t end = clock_now_ns() + 5000000000LL;

	for (; (int64_t)clock_now_ns() < end; usleep(PROBE_USEC)) {
		w->port++;
		wire_send_syn(w, NULL);
		if (wire_receive(w, 5) && !w->seen.has_ts)
			return clock_now_ns();
	}
	ck_abort_msg("nobody is challenged");
}

START_TEST(fw92_first_challenge)
{
	size_t rounds = suite_full() ? ROUNDS_FULL : ROUNDS, i;
	uint64_t taken_ns[ROUNDS_FULL];
	struct flood *flood;
	struct stage s;
	struct wire w;

	raise_with_nat(&s, "auto", QUICK "ClientAllowance=0\n[Mitigation]\nTimestamps=no\n");
	/* what a flood leaves in the queue goes after a second */
	shell(&s, "sysctl -q net.ipv4.tcp_synack_retries=0");
	wire_open(&w, &s, 4, 10000);
	for (i = 0; i < rounds; i++) {
		uint64_t from_ns;

		flood = STAGE_FLOOD(&s, .rate_per_sec = 20000);
		from_ns = await_over_threshold(flood);
		taken_ns[i] = await_challenge(&w) - from_ns;
		stage_flood_end(flood);
		/* the lease has ended, too, so that the next flood is a first one */
		await_setting(&s, COOKIES, 1, 20);
	}
	qsort(taken_ns, rounds, sizeof(*taken_ns), compare);
	printf("# from the first SYN too many to the first challenge: median %.1f ms, p99 %.1f ms, "
	       "wanted 20, %zu floods\n",
	       taken_ns[rounds / 2] / 1e6, taken_ns[rounds * 99 / 100] / 1e6, rounds);
	fflush(stdout);
	/* one may be late where the machine has something else to do */
	ck_assert_uint_le(taken_ns[rounds / 2], SOON_NS);
	wire_close(&w);
	stage_strike(&s);
}
END_TEST

SUITE_NEEDS(suite_lacks_root)

const struct suite_test suite_tests[] = {
	SUITE_TEST(fw92_first_challenge, 120, .full_seconds = 1200),
	{},
};
