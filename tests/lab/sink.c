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

uint64_t sink_answers(const struct sink *sink)
{
	const volatile struct sink_state *states = sink->skel->bss->states;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < SINK_CPUS; i++)
		sum += states[i].synacks;
	return sum;
}
