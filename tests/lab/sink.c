/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads, attaches and reads the sink. See sink.h.
 */
#include "tests/lab/sink.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"
#include "tests/lab/sink_abi.h"

#include "sink.skel.h" /* names the types of the header above */

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
