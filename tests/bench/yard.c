/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and attaches a yardstick. See yard.h.
 */
#include "yard.h"

#include <bpf/libbpf.h>
#include <errno.h>

#include "synguard/cleanup.h"
#include "yard.skel.h"

struct yard {
	struct yard_bpf *skel;
	int link_fd;
};

static const struct bpf_program *chosen(const struct yard_bpf *skel, enum yard_program program)
{
	switch (program) {
	case YARD_DROP:
		return skel->progs.drop;
	case YARD_REFLECT:
		return skel->progs.reflect;
	default:
		return skel->progs.idle;
	}
}

int yard_new(struct yard **ret, struct lab *lab, int host, enum yard_program program)
{
	_cleanup_(yard_freep) struct yard *yard = calloc(1, sizeof(*yard));

	if (!yard)
		return -ENOMEM;
	yard->link_fd = -1;
	yard->skel = yard_bpf__open_and_load();
	if (!yard->skel)
		return -errno;
	yard->link_fd =
		lab_attach_xdp(lab, host, LAB_IFNAME, bpf_program__fd(chosen(yard->skel, program)));
	if (yard->link_fd < 0)
		return yard->link_fd;
	*ret = TAKE_PTR(yard);
	return 0;
}

struct yard *yard_free(struct yard *yard)
{
	if (!yard)
		return NULL;
	close_fd(yard->link_fd);
	yard_bpf__destroy(yard->skel);
	free(yard);
	return NULL;
}

uint64_t yard_dropped(const struct yard *yard)
{
	const volatile __typeof__(yard->skel->bss->dropped) *dropped = &yard->skel->bss->dropped;

	return *dropped;
}
