/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets up and runs the flood, and the sink of the answers to it. See flood.h.
 *
 * A run of BPF_PROG_RUN takes tens of milliseconds to set up and tear down, so there is one for the
 * whole flood: a child with a timer whose signal ends run and child at the end time. Nothing of the
 * parent needs to be alive or well for that.
 */
#include "tests/lab/flood.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "synguard/cleanup.h"

#include "daemon/base/clock.h"
#include "tests/lab/flood_abi.h"
#include "tests/lab/run.h"
#include "tests/lab/sink_abi.h"

#include "flood.skel.h" /* names the types of the headers above */
#include "sink.skel.h"

/* As many frames as a driver's poll takes at once; the kernel's own default. */
#define FLOOD_BATCH 64

/*
 * A schedule, not a gap between frames: after a pause the program catches up, but by no more than a
 * few time slices of a scheduler that had other things to run. A network does not save up a flood.
 */
#define FLOOD_CATCH_UP (10000000ULL << FLOOD_TIME_SHIFT)

/* The program's descriptor in the child, the first after the standard ones. */
#define CHILD_PROG_FD 3

struct flood {
	struct lab *lab;
	int host;
	int ifindex;
	int cpu;
	unsigned int duration_ms;
	unsigned int frame_bytes;
	int repeat;
	uint64_t count;
	struct flood_bpf *skel;
	pid_t pid;
	bool started;
	uint64_t ended_ns; /* 0: still running */
	int result;
};

/* RFC 1071 over 16-bit words in the order of memory; @bytes is even. */
static uint32_t sum_bytes(const void *data, size_t bytes)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	uint16_t word;

	for (; bytes; bytes -= 2, p += 2) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	return sum;
}

/* What a Linux client sends, in its order. */
struct syn {
	struct tcphdr tcp;
	uint8_t options[20];
} __attribute__((packed));

static struct ethhdr eth_of(const uint8_t dst[6], const uint8_t src[6], uint16_t proto)
{
	struct ethhdr eth = { .h_proto = htons(proto) };

	memcpy(eth.h_dest, dst, ETH_ALEN);
	memcpy(eth.h_source, src, ETH_ALEN);
	return eth;
}

static struct syn syn_of(uint16_t mss)
{
	/* clang-format off */
	return (struct syn){
		.tcp = { .doff = sizeof(struct syn) / 4, .syn = 1, .window = htons(64240) },
		.options = {
			2, 4, mss >> 8, mss & 0xff,	/* MSS */
			4, 2,				/* SACK permitted */
			8, 10, 0, 0, 0, 0, 0, 0, 0, 0,	/* timestamps */
			1,
			3, 3, 7,			/* window scale */
		},
	};
	/* clang-format on */
}

/* Of the segment and of the rest of the pseudo header, which are length and protocol. */
static uint32_t sum_syn(const struct syn *syn)
{
	return sum_bytes(syn, sizeof(*syn)) + htons(IPPROTO_TCP) + htons(sizeof(*syn));
}

static void template_v4(struct flood_template *t, const uint8_t dst[6], const uint8_t src[6])
{
	const struct {
		struct ethhdr eth;
		struct iphdr ip;
		struct syn syn;
	} __attribute__((packed)) frame = {
		.eth = eth_of(dst, src, ETH_P_IP),
		.ip = {
			.version = 4,
			.ihl = 5,
			.tot_len = htons(FLOOD_FRAME_BYTES_4 - ETH_HLEN),
			.frag_off = htons(0x4000), /* don't fragment */
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.daddr = inet_addr(LAB_SERVER_ADDR4),
		},
		.syn = syn_of(1460),
	};

	memcpy(t->words, &frame, sizeof(frame));
	t->ip_sum = sum_bytes(&frame.ip, sizeof(frame.ip));
	t->tcp_sum = sum_bytes(&frame.ip.daddr, sizeof(frame.ip.daddr)) + sum_syn(&frame.syn);
}

static void template_v6(struct flood_template *t, const uint8_t dst[6], const uint8_t src[6])
{
	struct {
		struct ethhdr eth;
		struct ipv6hdr ip;
		struct syn syn;
	} __attribute__((packed)) frame = {
		.eth = eth_of(dst, src, ETH_P_IPV6),
		.ip = {
			.version = 6,
			.payload_len = htons(sizeof(struct syn)),
			.nexthdr = IPPROTO_TCP,
			.hop_limit = 64,
		},
		.syn = syn_of(1440),
	};

	inet_pton(AF_INET6, LAB_SERVER_ADDR6, &frame.ip.daddr);
	memcpy(t->words, &frame, sizeof(frame));
	t->tcp_sum = sum_bytes(&frame.ip.daddr, sizeof(frame.ip.daddr)) + sum_syn(&frame.syn);
}

static int set_sources(struct flood_config *c, uint32_t sources)
{
	if (sources & (sources - 1))
		return -EINVAL;
	/* The program cuts both to the benchmark ranges. */
	c->src4_mask = sources - 1;
	c->src6_mask[3] = sources - 1;
	if (!sources) {
		c->src6_mask[2] = UINT32_MAX;
		c->src6_mask[1] = UINT32_MAX;
	}
	return 0;
}

static int config_fill(struct flood_config *c, struct lab *lab, int host, const char *ifname,
		       const struct flood_options *o)
{
	uint8_t src[6], dst[6];
	int err;

	if (!o->port || o->port + (o->ports ?: 1) > 65536 || o->ipv6_share > 256 ||
	    o->rate_per_sec > 1000000000 || !o->duration_ms ||
	    o->duration_ms > FLOOD_DURATION_MAX_MS)
		return -EINVAL;
	err = lab_mac(lab, host, ifname, src);
	if (!err)
		err = lab_mac(lab, LAB_SERVER, LAB_IFNAME, dst);
	if (!err)
		err = set_sources(c, o->sources);
	if (err)
		return err;

	c->port = o->port;
	c->ports = o->ports ?: 1;
	c->ipv6_share = o->ipv6_share;
	c->count = o->count ?: UINT64_MAX;
	if (o->rate_per_sec)
		c->interval = (1000000000ULL << FLOOD_TIME_SHIFT) / o->rate_per_sec;
	c->catch_up = o->burst ? o->burst * c->interval : FLOOD_CATCH_UP;
	template_v4(&c->v4, dst, src);
	template_v6(&c->v6, dst, src);
	return 0;
}

int flood_new(struct flood **ret, struct lab *lab, int host, const char *ifname,
	      const struct flood_options *o)
{
	_cleanup_(flood_freep) struct flood *f = NULL;
	struct flood_config config = { 0 };
	int err, first_cpu;

	err = config_fill(&config, lab, host, ifname, o);
	if (err)
		return err;

	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->lab = lab;
	f->host = host;
	f->duration_ms = o->duration_ms;
	lab_cpus(&first_cpu, &f->cpu);
	if (o->cpu_plus_1)
		f->cpu = o->cpu_plus_1 - 1;
	f->frame_bytes = o->ipv6_share ? FLOOD_FRAME_BYTES_6 : FLOOD_FRAME_BYTES_4;
	f->count = config.count;
	/* Without pacing each run of the program is a SYN, so the kernel can count. */
	f->repeat = !o->rate_per_sec && o->count && o->count < INT_MAX ? o->count : INT_MAX;
	f->ifindex = lab_ifindex(lab, host, ifname);
	if (f->ifindex < 0)
		return f->ifindex;

	f->skel = flood_bpf__open();
	if (!f->skel)
		return -errno;
	memcpy((void *)&f->skel->rodata->config, &config, sizeof(config));
	err = flood_bpf__load(f->skel);
	if (err)
		return err;

	*ret = TAKE_PTR(f);
	return 0;
}

/*
 * Of the descriptors only the standard ones and the program stay. A connection of the caller's that
 * this copy of it held open would not end where the caller closes it: no FIN is sent until the last
 * descriptor has gone, here with the flood.
 */
static int child_close(int prog_fd)
{
	if (dup2(prog_fd, CHILD_PROG_FD) < 0)
		return -errno;
	return close_range(CHILD_PROG_FD + 1, UINT_MAX, 0) < 0 ? -errno : 0;
}

/* In the child: async-signal-safe calls only. */
static int child_setup(const struct flood *f, pid_t parent)
{
	struct itimerval timer = {
		.it_value = { f->duration_ms / 1000, f->duration_ms % 1000 * 1000 },
	};
	int err = lab_child_begin(parent, lab_netns_fd(f->lab, f->host), f->cpu);

	if (err)
		return err;
	if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
		return -errno;
	return child_close(bpf_program__fd(f->skel->progs.flood));
}

static int child_run(const struct flood *f, pid_t parent)
{
	struct flood_state *state = &f->skel->bss->state;
	uint8_t frame[FLOOD_FRAME_ROOM] = { 0 };
	struct xdp_md ctx = { .data_end = f->frame_bytes, .ingress_ifindex = f->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = f->frame_bytes,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = f->repeat,
		    .batch_size = FLOOD_BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int err;

	err = child_setup(f, parent);
	if (err)
		return err;

	state->end_ns = clock_now_ns() + f->duration_ms * 1000000ULL;
	return bpf_prog_test_run_opts(CHILD_PROG_FD, &run);
}

int flood_start(struct flood *flood)
{
	pid_t parent = getpid(), pid;

	if (flood->started)
		return -EBUSY;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(-child_run(flood, parent) & 0x7f);
	flood->pid = pid;
	flood->started = true;
	return 0;
}

/*
 * Waits for the child's end, up to @timeout_ms. The timer's signal and ours are how a flood ends;
 * an exit status is an errno.
 */
static void reap(struct flood *f, int timeout_ms)
{
	int status = 0;

	if (lab_wait(f->pid, timeout_ms, &status) == -ETIMEDOUT)
		return;
	f->pid = 0;
	f->ended_ns = clock_now_ns();
	f->result = WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

int flood_wait(struct flood *flood)
{
	struct flood_counts counts;

	if (!flood->started)
		return -ESRCH;
	while (flood->pid) {
		/* A paced run does not end by itself when all is sent. */
		flood_counts(flood, &counts);
		if (counts.offered >= flood->count)
			return flood_stop(flood);
		reap(flood, 5);
	}
	return flood->result;
}

int flood_stop(struct flood *flood)
{
	if (flood->pid) {
		kill(flood->pid, SIGTERM);
		reap(flood, -1);
	}
	return flood->result;
}

void flood_counts(const struct flood *flood, struct flood_counts *ret)
{
	const volatile struct flood_state *state = &flood->skel->bss->state;
	uint64_t start = state->start_ns;

	*ret = (struct flood_counts){
		.offered = state->offered,
		.skipped = state->skipped,
		.elapsed_ns = start ? (flood->ended_ns ?: clock_now_ns()) - start : 0,
	};
}

struct flood *flood_free(struct flood *flood)
{
	if (!flood)
		return NULL;
	flood_stop(flood);
	flood_bpf__destroy(flood->skel);
	free(flood);
	return NULL;
}

/* ---- the sink ------------------------------------------------------------------------------ */

struct sink {
	struct sink_bpf *skel;
	int link_fd;
};

int sink_new(struct sink **ret, struct lab *lab, int host, const char *ifname)
{
	_cleanup_(sink_freep) struct sink *sink = NULL;

	sink = calloc(1, sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	sink->link_fd = -1;
	sink->skel = sink_bpf__open_and_load();
	if (!sink->skel)
		return -errno;

	sink->link_fd = lab_attach_xdp(lab, host, ifname, bpf_program__fd(sink->skel->progs.sink));
	if (sink->link_fd < 0)
		return sink->link_fd;

	*ret = TAKE_PTR(sink);
	return 0;
}

struct sink *sink_free(struct sink *sink)
{
	if (!sink)
		return NULL;
	close_fd(sink->link_fd);
	sink_bpf__destroy(sink->skel);
	free(sink);
	return NULL;
}

uint64_t sink_answers(const struct sink *sink)
{
	const volatile struct sink_state *states = sink->skel->bss->states;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < SINK_CPUS; i++)
		sum += states[i].synacks;
	return sum;
}
