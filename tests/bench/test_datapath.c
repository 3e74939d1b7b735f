/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a packet costs in our programs, by BPF_PROG_RUN, source and port varied each run.
 *
 * Prints tables: the best of several rounds, interleaved so that a noisy machine is noisy to all
 * rows alike, and the ratio to a program that only drops behind the same wrapper (spin.bpf.c).
 * Compare ratios, not nanoseconds. Fails where a row did not measure what its name says: nearly
 * all of its packets have to leave with the row's verdict.
 *
 * With SG_BENCH_JSON=FILE or --json FILE the rows are appended to FILE as lines of JSON. With
 * SG_BENCH_ROW=TEXT or --row TEXT only the rows with TEXT in their names are measured, and the
 * yardsticks; with SG_BENCH_ROUNDS=N or --rounds N each is measured N times, with
 * SG_BENCH_REPEAT=N or --repeat N by so many packets; with SG_BENCH_SOURCES=0 or --sources 0 the
 * programs do not count sources (heavy_hitters.bpf.h).
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "floor.skel.h"
#include "frame.h"
#include "prog.h"
#include "spin.skel.h"
#include "stack.h"
#include "suite.h"
#include "synguard.skel.h"

#define ROUNDS_MAX 15

#define SOURCES_ALL  (1u << 28)
#define DEFENDED_SEC 3600
#define INSNS_LIMIT  1000000 /* BPF_COMPLEXITY_LIMIT_INSNS of the kernel */

/* What a row's ratio refers to. */
enum yardstick {
	YARD_XDP4,
	YARD_XDP6,
	YARD_TCX4,
	YARD_TCX6,
	YARD_COUNT,
};

struct row {
	const char *name;
	enum yardstick yard;
	enum sg_verdict verdict; /* 0 = it is the yardstick */
	const struct frame_spec *spec;
	void (*prepare)(struct prog *p, const struct frame_spec *spec);
	__u32 sources;	/* 0 = all */
	__u32 services; /* 0 = 1 */
	bool floor;	/* of the program that only answers */
	double ns;
};

/* ---- services ------------------------------------------------------------------------------- */

/* An idle service with room for all: the queue is not read again. */
static void make_idle(struct prog *p, const struct frame_spec *spec)
{
	struct frame_spec syn = *spec;
	struct sg_service *s;

	syn.flags = FRAME_SYN;
	s = prog_service(p, &syn) ?: prog_enter(p, &syn);
	s->lease_until_ns = 0;
	s->quota = 1 << 30;
}

static void make_defended(struct prog *p, const struct frame_spec *spec)
{
	struct frame_spec syn = *spec;
	struct sg_service *s;

	syn.flags = FRAME_SYN;
	s = prog_service(p, &syn) ?: prog_enter(p, &syn);
	s->proven_at_ns = 1;
	s->lease_until_ns = prog_now_ns() + DEFENDED_SEC * 1000000000ULL;
}

/* As if it had been challenged in both epochs that an ACK's cookie may be of. */
static void make_challenged(struct prog *p, const struct frame_spec *spec)
{
	__u32 epoch = (prog_now_ns() >> prog_epoch_shift) + 2, i; /* cookie_epoch() */
	struct frame_spec syn = *spec;
	struct sg_service *s;

	make_defended(p, spec);
	syn.flags = FRAME_SYN;
	s = prog_service(p, &syn);
	ck_assert_ptr_nonnull(s);
	for (i = 0; i < 2; i++)
		prog_promise(p, s, epoch - i, s->wscale);
}

/* As if it had been challenged long ago. */
static void make_calm(struct prog *p, const struct frame_spec *spec)
{
	struct frame_spec syn = *spec;

	make_idle(p, spec);
	syn.flags = FRAME_SYN;
	prog_promise(p, prog_service(p, &syn), 2, 7);
}

static void make_nothing(struct prog *p, const struct frame_spec *spec)
{
}

/* ---- rows ----------------------------------------------------------------------------------- */

#define LINUX4	   .options = { FRAME_LINUX_SYN(1460, 5000, 7) }
#define LINUX6	   .version = 6, .options = { FRAME_LINUX_SYN(1440, 5000, 7) }
#define ACK_OF(to) .flags = FRAME_ACK, .dport = to, .ack = 77777

static const struct frame_spec syn4 = { LINUX4 };
static const struct frame_spec syn6 = { LINUX6 };
/* to the MPTCP listener, which has engine listener */
static const struct frame_spec kernel4 = { .dport = 84, LINUX4 };
static const struct frame_spec kernel6 = { .dport = 84, LINUX6 };
static const struct frame_spec friend4 = { .src = "198.51.100.9", LINUX4 };
static const struct frame_spec windows4 = { .options = { FRAME_WINDOWS_SYN(1460) } };
static const struct frame_spec windows6 = { .version = 6, .options = { FRAME_WINDOWS_SYN(1440) } };
static const struct frame_spec bare4 = {};
static const struct frame_spec bare6 = { .version = 6 };
static const struct frame_spec closed4 = { .dport = 81, LINUX4 };
static const struct frame_spec foreign4 = { .dst = "203.0.113.77", LINUX4 };
static const struct frame_spec udp4 = { .protocol = IPPROTO_UDP, LINUX4 };
static const struct frame_spec ack4 = { ACK_OF(80), .options = { FRAME_LINUX_ACK(5000, 6000) } };
static const struct frame_spec ack6 = { ACK_OF(80), .version = 6,
					.options = { FRAME_LINUX_ACK(5000, 6000) } };
static const struct frame_spec ack4_idle = { ACK_OF(82),
					     .options = { FRAME_LINUX_ACK(5000, 6000) } };
static const struct frame_spec ack6_idle = { ACK_OF(82), .version = 6,
					     .options = { FRAME_LINUX_ACK(5000, 6000) } };
static const struct frame_spec ack4_calm = { ACK_OF(83),
					     .options = { FRAME_LINUX_ACK(5000, 6000) } };
static const struct frame_spec bogus4 = { ACK_OF(80) };

/* clang-format off */
static struct row rows[] = {
	{ "XDP_DROP, the yardstick, IPv4",            YARD_XDP4, 0,                       &syn4,      make_nothing },
	{ "not TCP",                                  YARD_XDP4, SG_V_NOT_TCP,            &udp4,      make_nothing },
	{ "XDP: ACK, idle service, IPv4",             YARD_XDP4, SG_V_NOT_SYN,            &ack4_idle, make_idle },
	{ "XDP: ACK, defended service, IPv4",         YARD_XDP4, SG_V_NOT_SYN,            &ack4,      make_defended },
	{ "SYN, idle service, IPv4",                  YARD_XDP4, SG_V_SYN_ADMITTED,       &syn4,      make_idle },
	{ "SYN challenged, IPv4, as of Linux",        YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_defended },
	{ "SYN challenged, IPv4, as of Windows",      YARD_XDP4, SG_V_CHALLENGED,         &windows4,  make_defended },
	{ "SYN challenged, IPv4, no options",         YARD_XDP4, SG_V_CHALLENGED,         &bare4,     make_defended },
	{ "the floor: a cookie and no more, IPv4",    YARD_XDP4, 0,                       &syn4,      make_nothing, .floor = true },
	{ "SYN challenged, IPv4, the kernel's cookie", YARD_XDP4, SG_V_CHALLENGED,        &kernel4,   make_defended },
	{ "SYN of a verified client, IPv4",           YARD_XDP4, SG_V_SYN_VERIFIED,       &friend4,   make_defended, .sources = 1 },
	{ "SYN without a listener",                   YARD_XDP4, SG_V_NO_LISTENER,        &closed4,   make_nothing },
	{ "SYN for another host",                     YARD_XDP4, SG_V_NOT_LOCAL,          &foreign4,  make_nothing },
	{ "XDP_DROP, the yardstick, IPv6",            YARD_XDP6, 0,                       &syn6,      make_nothing },
	{ "XDP: ACK, idle service, IPv6",             YARD_XDP6, SG_V_NOT_SYN,            &ack6_idle, make_idle },
	{ "SYN, idle service, IPv6",                  YARD_XDP6, SG_V_SYN_ADMITTED,       &syn6,      make_idle },
	{ "SYN challenged, IPv6, as of Linux",        YARD_XDP6, SG_V_CHALLENGED,         &syn6,      make_defended },
	{ "SYN challenged, IPv6, as of Windows",      YARD_XDP6, SG_V_CHALLENGED,         &windows6,  make_defended },
	{ "the floor: a cookie and no more, IPv6",    YARD_XDP6, 0,                       &syn6,      make_nothing, .floor = true },
	{ "SYN challenged, IPv6, the kernel's cookie", YARD_XDP6, SG_V_CHALLENGED,        &kernel6,   make_defended },
	{ "SYN challenged, IPv6, no options",         YARD_XDP6, SG_V_CHALLENGED,         &bare6,     make_defended },
	{ "tcx that only goes on, the yardstick, IPv4", YARD_TCX4, 0,                     &ack4,      make_nothing },
	{ "tcx: ACK, idle service, IPv4",             YARD_TCX4, SG_V_IDLE_ACK,           &ack4_idle, make_idle },
	{ "tcx: ACK, once defended service, IPv4",    YARD_TCX4, SG_V_IDLE_ACK,           &ack4_calm, make_calm },
	{ "tcx: ACK, defended service, IPv4",         YARD_TCX4, SG_V_OTHER_ACK,          &ack4,      make_challenged },
	{ "tcx: bogus ACK without options, IPv4",     YARD_TCX4, SG_V_OTHER_ACK,          &bogus4,    make_challenged },
	{ "tcx that only goes on, the yardstick, IPv6", YARD_TCX6, 0,                     &ack6,      make_nothing },
	{ "tcx: ACK, idle service, IPv6",             YARD_TCX6, SG_V_IDLE_ACK,           &ack6_idle, make_idle },
	{ "tcx: ACK, defended service, IPv6",         YARD_TCX6, SG_V_OTHER_ACK,          &ack6,      make_challenged },
};

static struct row scale_rows[] = {
	{ "XDP_DROP, the yardstick, IPv4",            YARD_XDP4, 0,                       &syn4,      make_nothing, .services = 1 },
	{ "SYN challenged, 1 source",                 YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_nothing, .sources = 1, .services = 1 },
	{ "SYN challenged, 10^3 sources",             YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_nothing, .sources = 1000, .services = 1 },
	{ "SYN challenged, 10^5 sources",             YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_nothing, .sources = 100000, .services = 1 },
	{ "SYN challenged, 10^7 sources",             YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_nothing, .sources = 10000000, .services = 1 },
	{ "SYN challenged, 64 services",              YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_nothing, .services = 64 },
	{ "SYN challenged, 4096 services",            YARD_XDP4, SG_V_CHALLENGED,         &syn4,      make_nothing, .services = 4096 },
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct floor_bpf *floor_of; /* lasts as long as the process */

/* ---- measuring ------------------------------------------------------------------------------ */

static bool is_xdp(const struct row *row)
{
	return row->yard == YARD_XDP4 || row->yard == YARD_XDP6;
}

static bool is_yardstick(const struct row *row)
{
	return !row->verdict && !row->floor;
}

static int row_fd(const struct row *row, const struct prog *p, const struct spin *spin)
{
	if (row->floor)
		return bpf_program__fd(floor_of->progs.answer);
	if (is_xdp(row))
		return bpf_program__fd(row->verdict ? p->skel->progs.synguard_xdp :
						      spin->progs.drop);
	return bpf_program__fd(row->verdict ? p->skel->progs.synguard_ingress : spin->progs.next);
}

/* Has spin() write the row's frame, and go on to the program. */
static void wind(struct spin *spin, const struct row *row, const struct prog_frame *f, int fd)
{
	__u32 zero = 0, lead = row->yard == YARD_XDP6 ? 6 : 2, source, destination;
	size_t rest = f->length - lead;

	memset(spin->bss->head, 0, sizeof(spin->bss->head));
	memset(spin->bss->frame, 0, sizeof(spin->bss->frame));
	memcpy(spin->bss->head, f->bytes, lead);
	memcpy(spin->bss->frame, f->bytes + lead, rest);
	memcpy(&source, f->bytes + 26, sizeof(source));
	memcpy(&destination, f->bytes + 30, sizeof(destination));
	spin->bss->lead = lead;
	spin->bss->sources = row->sources ? row->sources : SOURCES_ALL;
	/* one source is the frame's own */
	spin->bss->source_net = row->sources == 1 ? ntohl(source) : 0x40000000;
	spin->bss->source = 0;
	spin->bss->destination_mask = row->services ? row->services - 1 : 0;
	if (!row->services)
		spin->bss->destinations[0] = destination;
	if (bpf_map_update_elem(bpf_map__fd(spin->maps.target), &zero, &fd, 0) < 0)
		ck_abort_msg("prog array");
}

/* Nearly all: a look at the listener may meet the first packet, and the tick of a window another. */
static void assert_verdict(struct prog *p, const struct row *row, int repeat)
{
	enum sg_program program = is_xdp(row) ? SG_XDP : SG_INGRESS;
	__u64 count = prog_counted(p, program, row->verdict);

	if (row->verdict && count < repeat * 0.99)
		ck_abort_msg("%s: only %llu of %d are %s", row->name, count, repeat,
			     prog_label(row->verdict));
}

static double measure(struct prog *p, struct spin *spin, const struct row *row, int repeat)
{
	struct prog_frame f = prog_frame(row->spec);
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f.bytes, .data_size_in = f.length,
		    .repeat = repeat);
	struct xdp_md ctx = { .data_end = f.length, .ingress_ifindex = p->ifindex };
	struct __sk_buff skb = { .ifindex = p->ifindex };
	int fd = row_fd(row, p, spin);

	row->prepare(p, row->spec);
	o.ctx_in = is_xdp(row) ? (void *)&ctx : (void *)&skb;
	o.ctx_size_in = is_xdp(row) ? sizeof(ctx) : sizeof(skb);
	if (is_xdp(row)) {
		wind(spin, row, &f, fd);
		fd = bpf_program__fd(spin->progs.spin);
	}
	p->control->heartbeat_ns = prog_now_ns();
	prog_mark(p);
	if (bpf_prog_test_run_opts(fd, &o) < 0)
		ck_abort_msg("BPF_PROG_RUN: %s", row->name);
	assert_verdict(p, row, repeat);
	return o.duration;
}

static bool is_wanted(const struct row *row)
{
	const char *text = getenv("SG_BENCH_ROW");

	return is_yardstick(row) || !text || strstr(row->name, text);
}

static int rounds_wanted(void)
{
	const char *text = getenv("SG_BENCH_ROUNDS");
	int rounds = text ? atoi(text) : 0;

	return rounds > 0 ? rounds : suite_full() ? ROUNDS_MAX : 3;
}

/* Short runs have a chance to be undisturbed on a machine that others use. */
static int repeat_wanted(void)
{
	const char *text = getenv("SG_BENCH_REPEAT");
	int repeat = text ? atoi(text) : 0;

	return repeat > 0 ? repeat : suite_full() ? 200000 : 20000;
}

static void measure_all(struct prog *p, struct spin *spin, struct row *row, size_t count)
{
	int repeat = repeat_wanted(), rounds = rounds_wanted();
	int round;
	size_t i;

	for (round = 0; round < rounds; round++)
		for (i = 0; i < count; i++) {
			double ns;

			if (!is_wanted(&row[i]))
				continue;
			ns = measure(p, spin, &row[i], repeat);
			if (!round || ns < row[i].ns)
				row[i].ns = ns;
		}
}

/* ---- telling -------------------------------------------------------------------------------- */

static FILE *json_open(void)
{
	const char *name = getenv("SG_BENCH_JSON");
	FILE *f = name ? fopen(name, "ae") : NULL;

	if (name && !f)
		ck_abort_msg("%s: cannot be written to", name);
	return f;
}

static void tell(const struct row *row, size_t count)
{
	double yard[YARD_COUNT] = { 0 };
	FILE *json = json_open();
	size_t i;

	printf("# | packet | ns | ratio | above the yardstick, ns |\n# |---|---|---|---|\n");
	for (i = 0; i < count; i++) {
		double ns = row[i].ns, base;

		if (!is_wanted(&row[i]))
			continue;
		if (is_yardstick(&row[i]))
			yard[row[i].yard] = ns;
		base = yard[row[i].yard];
		printf("# | %s | %.0f | %.2f | %+.0f |\n", row[i].name, ns, ns / base, ns - base);
		if (json)
			fprintf(json,
				"{\"table\":\"datapath\",\"row\":\"%s\",\"ns\":%.0f,"
				"\"ratio\":%.2f}\n",
				row[i].name, ns, ns / base);
	}
	fflush(stdout);
	if (json)
		fclose(json);
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* Everything is on, as the daemon sets it, and no limit ends a measurement. */
static void remove_limits(struct prog *p)
{
	p->control->reply_budget = 1 << 30;
	p->control->reply_budget_prefix = 1 << 30;
	p->control->client_allowance = 1 << 30;
}

static struct prog *start(struct spin **spin, int *listener)
{
	const char *sources = getenv("SG_BENCH_SOURCES");
	struct prog *p;

	prog_count_sources = !sources || atoi(sources);
	p = prog_new(stack_new());
	remove_limits(p);
	*listener = stack_listen(.backlog = 4096);
	stack_listen(.port = 82, .backlog = 4096);
	stack_listen(.port = 83, .backlog = 4096);
	stack_listen(.port = 84, .backlog = 4096, .protocol = IPPROTO_MPTCP);
	/* what engine listener needs; the other rows cost the same */
	stack_sysctl("ipv4/tcp_syncookies", "2");
	stack_sysctl("ipv4/tcp_timestamps", "2");
	*spin = spin__open_and_load();
	floor_of = floor_bpf__open_and_load();
	ck_assert(*spin && floor_of);
	return p;
}

/* The source of the frames that have but one. */
static void verify_client(struct prog *p, int listener)
{
	make_defended(p, &friend4);
	prog_attach(p);
	close(connection_challenged(p, &friend4, listener).fd);
	prog_detach(p);
}

START_TEST(datapath_cost)
{
	struct spin *spin;
	struct prog *p;
	int listener;

	p = start(&spin, &listener);
	verify_client(p, listener);
	measure_all(p, spin, rows, COUNT(rows));
	tell(rows, COUNT(rows));
	spin__destroy(spin);
	prog_free(p);
	close(listener);
}
END_TEST

/* Enters services until the table is full or nearly so, and defends them. Returns how many. */
static __u32 enter_services(struct prog *p, struct spin *spin)
{
	struct frame_spec spec = syn4;
	__u32 i, entered = 0;

	spec.dst_addr.words[2] = htonl(0xffff);
	for (i = 1; i < SG_LOCAL_ADDRS_MAX - 16; i++) {
		struct prog_frame f;

		spec.dst_addr.words[3] = htonl(0xc6120000 + i);
		prog_add_local(p, &spec);
		f = prog_frame(&spec);
		prog_run(p, SG_XDP, &f);
	}
	for (i = 0; i < SG_SERVICES_MAX; i++) {
		struct sg_service *s = &p->services[i];

		if (s->state != SG_SERVICE_LIVE)
			continue;
		s->proven_at_ns = 1;
		s->lease_until_ns = prog_now_ns() + DEFENDED_SEC * 1000000000ULL;
		spin->bss->destinations[entered++] = s->addr.words[3];
	}
	/* the host has these addresses, and not all that were needed to fill the table */
	memset(p->control->local_bloom, 0, sizeof(p->control->local_bloom));
	for (i = 0; i < entered; i++) {
		spec.dst_addr.words[3] = spin->bss->destinations[i];
		prog_add_local(p, &spec);
	}
	/* where a set has room left, its place is taken by services that are there */
	for (i = entered; entered && i < COUNT(spin->bss->destinations); i++)
		spin->bss->destinations[i] = spin->bss->destinations[i - entered];
	return entered;
}

START_TEST(datapath_scale)
{
	struct spin *spin;
	struct prog *p;
	__u32 entered;
	int listener;

	p = start(&spin, &listener);
	entered = enter_services(p, spin);
	printf("# %u of %u services are in the table\n", entered, SG_SERVICES_MAX);
	ck_assert_uint_ge(entered, SG_SERVICES_MAX / 2);
	measure_all(p, spin, scale_rows, COUNT(scale_rows));
	tell(scale_rows, COUNT(scale_rows));
	spin__destroy(spin);
	prog_free(p);
	close(listener);
}
END_TEST

/* The same rows with sources counted and not. */
static struct row account_rows[2][4] = {
	{
		{ "XDP_DROP, the yardstick", YARD_XDP4, 0, &syn4, make_nothing },
		{ "SYN challenged, IPv4, as of Linux", YARD_XDP4, SG_V_CHALLENGED, &syn4,
		  make_defended },
		{ "SYN challenged, IPv4, no options", YARD_XDP4, SG_V_CHALLENGED, &bare4,
		  make_defended },
		{ "SYN challenged, IPv6, as of Linux", YARD_XDP6, SG_V_CHALLENGED, &syn6,
		  make_defended },
	},
};

static void tell_account(void)
{
	FILE *json = json_open();
	size_t i;

	printf("# | packet | not counted, ns | counted, ns | ratio | ratio above the yardstick |\n"
	       "# |---|---|---|---|---|\n");
	for (i = 1; i < COUNT(account_rows[0]); i++) {
		double off = account_rows[0][i].ns, on = account_rows[1][i].ns;
		double above = (on - account_rows[1][0].ns) / (off - account_rows[0][0].ns);

		printf("# | %s | %.0f | %.0f | %.2f | %.2f |\n", account_rows[0][i].name, off, on,
		       on / off, above);
		if (json)
			fprintf(json,
				"{\"table\":\"accounting\",\"row\":\"%s\",\"off\":%.0f,"
				"\"on\":%.0f,\"ratio\":%.2f,\"above\":%.2f}\n",
				account_rows[0][i].name, off, on, on / off, above);
	}
	fflush(stdout);
	if (json)
		fclose(json);
}

/* What it costs to count sources: the programs are loaded by turns with it and without. */
START_TEST(datapath_accounting)
{
	int rounds = suite_full() ? ROUNDS_MAX : 3, round, on, listener;
	int repeat = suite_full() ? 200000 : 50000;
	struct spin *spin = spin__open_and_load();
	unsigned int ifindex = stack_new();
	size_t i;

	ck_assert_ptr_nonnull(spin);
	listener = stack_listen(.backlog = 4096);
	memcpy(account_rows[1], account_rows[0], sizeof(account_rows[0]));
	for (round = 0; round < rounds; round++)
		for (on = 0; on < 2; on++) {
			struct prog *p;

			prog_count_sources = on;
			p = prog_new(ifindex);
			remove_limits(p);
			/* the first of a window are all counted for their source */
			measure(p, spin, &account_rows[on][1], 2 * SG_HITTER_EXACT);
			for (i = 0; i < COUNT(account_rows[on]); i++) {
				struct row *row = &account_rows[on][i];
				double ns = measure(p, spin, row, repeat);

				if (!round || ns < row->ns)
					row->ns = ns;
			}
			prog_free(p);
		}
	prog_count_sources = 1;
	tell_account();
	spin__destroy(spin);
	close(listener);
}
END_TEST

/* How much of what the kernel is willing to verify each program takes. */
START_TEST(datapath_verified)
{
	struct bpf_program *program;
	FILE *json = json_open();
	struct prog *p;

	prog_all = true;
	p = prog_new(stack_new());
	printf("# | program | instructions verified | of the limit |\n# |---|---|---|\n");
	bpf_object__for_each_program(program, p->skel->obj)
	{
		struct bpf_prog_info info = {};
		__u32 bytes = sizeof(info);

		prog_must(!bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes),
			  "bpf_prog_info");
		ck_assert_uint_gt(info.verified_insns, 0);
		printf("# | %s | %u | %.1f %% |\n", bpf_program__name(program), info.verified_insns,
		       info.verified_insns * 100.0 / INSNS_LIMIT);
		if (json)
			fprintf(json,
				"{\"table\":\"verifier\",\"row\":\"%s\",\"insns\":%u,"
				"\"limit\":%u}\n",
				bpf_program__name(program), info.verified_insns, INSNS_LIMIT);
	}
	fflush(stdout);
	if (json)
		fclose(json);
	prog_free(p);
}
END_TEST

/* Takes our options out of the arguments, which are suite_main()'s then. */
static int take_options(int argc, char **argv)
{
	static const struct {
		const char *option;
		const char *variable;
	} options[] = {
		{ "--json", "SG_BENCH_JSON" },	     { "--row", "SG_BENCH_ROW" },
		{ "--rounds", "SG_BENCH_ROUNDS" },   { "--repeat", "SG_BENCH_REPEAT" },
		{ "--sources", "SG_BENCH_SOURCES" },
	};
	int i, kept = 1;
	size_t o;

	for (i = 1; i < argc; i++) {
		for (o = 0; o < COUNT(options) && strcmp(argv[i], options[o].option); o++)
			;
		if (o < COUNT(options) && i + 1 < argc)
			setenv(options[o].variable, argv[++i], 1);
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}

SUITE_NEEDS(prog_lacks)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(datapath_cost, 600),
	SUITE_TEST(datapath_scale, 600),
	SUITE_TEST(datapath_accounting, 600),
	SUITE_TEST(datapath_verified, 60),
	{}
};
/* clang-format on */

int main(int argc, char **argv)
{
	return suite_main(take_options(argc, argv), argv);
}
