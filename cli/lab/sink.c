/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads, attaches and reads the sink. See sink.h.
 */
#include "lab/sink.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "lab/sink_abi.h"
#include "synguard/cleanup.h"

#include "lab/sink.skel.h" /* names the types of the header above */

struct sink {
	struct sink_bpf *skel;
	int link_fd;
};

struct attach_args {
	int prog_fd;
	int ifindex;
};

/* The kernel looks the interface up in the namespace of the thread that asks. */
static int attach(void *arg)
{
	const struct attach_args *a = arg;
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = XDP_FLAGS_DRV_MODE);

	return bpf_link_create(a->prog_fd, a->ifindex, BPF_XDP, &o);
}

int sink_new(struct sink **ret, struct lab *lab, int host, const char *ifname)
{
	_cleanup_(sink_freep) struct sink *sink = NULL;
	struct attach_args args;

	sink = calloc(1, sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	sink->link_fd = -1;
	sink->skel = sink_bpf__open_and_load();
	if (!sink->skel)
		return -errno;

	args.prog_fd = bpf_program__fd(sink->skel->progs.sink);
	args.ifindex = lab_ifindex(lab, host, ifname);
	if (args.ifindex < 0)
		return args.ifindex;
	sink->link_fd = lab_call(lab, host, attach, &args);
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

void sink_counts(const struct sink *sink, struct sink_counts *ret)
{
	const volatile struct sink_state *s = sink->skel->bss->states;
	size_t i;

	*ret = (struct sink_counts){ 0 };
	for (i = 0; i < SINK_CPUS; i++, s++) {
		ret->synacks4 += s->synacks[SINK_V4];
		ret->synacks6 += s->synacks[SINK_V6];
		ret->rsts4 += s->rsts[SINK_V4];
		ret->rsts6 += s->rsts[SINK_V6];
		ret->other += s->other[SINK_V4] + s->other[SINK_V6];
		ret->passed += s->passed;
	}
}

uint64_t sink_answers(const struct sink *sink)
{
	struct sink_counts c;

	sink_counts(sink, &c);
	return c.synacks4 + c.synacks6;
}
