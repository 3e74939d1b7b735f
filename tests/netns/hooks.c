/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "synguard/cleanup.h"

/* enum bpf_attach_type of Linux 6.6, which older headers lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS  47

#define HOOKS_TRIES 200 /* of 50 ms */

static int hooks_read_programs(void *arg)
{
	static const int where[] = { [HOOK_INGRESS] = TCX_INGRESS, [HOOK_EGRESS] = TCX_EGRESS };
	struct hooks *h = arg;
	__u32 ids[8], count, flags;
	int i, err;

	err = bpf_xdp_query_id(h->ifindex, 0, &h->programs[HOOK_XDP]);
	for (i = HOOK_INGRESS; i < HOOKS && !err; i++) {
		count = ARRAY_SIZE(ids);
		err = bpf_prog_query(h->ifindex, where[i], 0, &flags, ids, &count);
		if (!err && count > 1)
			err = -E2BIG;
		h->programs[i] = count ? ids[0] : 0;
	}
	return err;
}

/* A program is attached once, hence its links are one. */
static void hooks_find_links(struct hooks *h)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		__u32 size = sizeof(info);
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
		int i;

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
			continue;
		for (i = 0; i < HOOKS; i++)
			if (h->programs[i] && info.prog_id == h->programs[i])
				h->links[i] = info.id;
	}
}

struct hooks hooks_of(struct stage *s)
{
	struct hooks h = { .ifindex = lab_ifindex(s->lab, LAB_SERVER, LAB_IFNAME) };
	int err = lab_call(s->lab, LAB_SERVER, hooks_read_programs, &h);

	ck_assert_msg(err >= 0, "asking what is attached: %s", strerror(-err));
	hooks_find_links(&h);
	return h;
}

struct hooks hooks_of_all(struct stage *s)
{
	struct hooks h = hooks_of(s);
	int i;

	for (i = 0; i < HOOKS; i++)
		ck_assert_msg(h.programs[i] && h.links[i], "hook %d has program %u, link %u", i,
			      h.programs[i], h.links[i]);
	return h;
}

void hooks_await_none(struct stage *s)
{
	struct hooks h;
	int tries = 0;

	do
		h = hooks_of(s);
	while ((h.programs[HOOK_XDP] || h.programs[HOOK_INGRESS] || h.programs[HOOK_EGRESS]) &&
	       tries++ < HOOKS_TRIES && !usleep(50000));
	ck_assert_msg(tries <= HOOKS_TRIES, "left: XDP %u, tcx %u and %u", h.programs[HOOK_XDP],
		      h.programs[HOOK_INGRESS], h.programs[HOOK_EGRESS]);
}
