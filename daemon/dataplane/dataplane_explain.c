/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the driver or the kernel would not have our XDP program, in words that lead on. */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/base/descriptors.h"
#include "daemon/dataplane/attach.h"
#include "synguard.skel.h"

/* What a driver says of XDP (netlink's extended acknowledgement), and what helps. */
static const struct {
	const char *word;
	const char *remedy; /* a format, of the interface's name */
} dataplane_remedies[] = {
	{ "mtu", "lower it with \"ip link set dev %s mtu N\"" },
	{ "lro", "\"ethtool -K %s lro off\" helps" },
	{ "gro_hw", "\"ethtool -K %s rx-gro-hw off\" helps" },
	{ "queue", "change them with \"ethtool -L %s\"" },
	{ "channel", "change them with \"ethtool -L %s\"" },
	{ "ring", "change it with \"ethtool -G %s\"" },
};

/* The text behind "Kernel error message: ", which libbpf prints. */
static char dataplane_extack[96];

static int dataplane_hear_extack(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char lead[] = "Kernel error message: ";
	char line[256], *text;

	vsnprintf(line, sizeof(line), format, args);
	text = strstr(line, lead);
	if (text)
		snprintf(dataplane_extack, sizeof(dataplane_extack), "%.*s",
			 (int)strcspn(text + strlen(lead), "\n"), text + strlen(lead));
	return 0;
}

/*
 * bpf(2) does not hand out the driver's words, netlink does: the same is asked for once more that
 * way. Should it succeed after all, it is taken back at once, since what netlink attaches stays
 * when the daemon dies.
 */
static int dataplane_ask_why(struct dataplane *dp, int ifindex)
{
	int prog = bpf_program__fd(dataplane_skeleton(dp)->progs.synguard_xdp);
	LIBBPF_OPTS(bpf_xdp_attach_opts, ours, .old_prog_fd = prog);
	libbpf_print_fn_t before = libbpf_set_print(dataplane_hear_extack);
	int r;

	dataplane_extack[0] = '\0';
	r = bpf_xdp_attach(ifindex, prog, XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	if (!r)
		bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, &ours);
	libbpf_set_print(before);
	return r;
}

/* "; and what helps", or nothing. */
static void dataplane_remedy(int ifindex, char *ret, size_t size)
{
	char ifname[IFNAMSIZ] = "IF";
	size_t i;
	int n;

	ret[0] = '\0';
	if_indextoname(ifindex, ifname);
	for (i = 0; i < ARRAY_SIZE(dataplane_remedies) && !ret[0]; i++) {
		if (!strcasestr(dataplane_extack, dataplane_remedies[i].word))
			continue;
		n = snprintf(ret, size, "; ");
		snprintf(ret + n, size - n, dataplane_remedies[i].remedy, ifname);
	}
}

static void dataplane_explain_refusal(struct dataplane *dp, int ifindex,
				      struct dataplane_attachments *links, int error)
{
	char remedy[80];

	if (dataplane_ask_why(dp, ifindex) == -ENODEV)
		return; /* and not to be told of */
	dataplane_remedy(ifindex, remedy, sizeof(remedy));
	if (dataplane_extack[0])
		snprintf(links->reason, sizeof(links->reason), "the driver refuses XDP: %.*s%s",
			 (int)(sizeof(links->reason) - 26 - strlen(remedy)), dataplane_extack,
			 remedy);
	else if (error == -EOPNOTSUPP)
		snprintf(links->reason, sizeof(links->reason), "the driver has no native XDP");
	else
		snprintf(links->reason, sizeof(links->reason),
			 "the driver refuses XDP with the present settings (MTU, LRO or queues)");
}

/* By its id, which needs no privilege; its name would need CAP_SYS_ADMIN. */
static void dataplane_explain_foreign(int ifindex, struct dataplane_attachments *links)
{
	static const char *const modes[] = {
		[XDP_ATTACHED_DRV] = "native",
		[XDP_ATTACHED_SKB] = "generic",
		[XDP_ATTACHED_HW] = "offloaded",
	};
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	__u32 id = 0;

	links->foreign = true;
	if (!bpf_xdp_query(ifindex, 0, &q))
		id = q.drv_prog_id ?: q.skb_prog_id ?: q.hw_prog_id ?: q.prog_id;
	if (!id)
		snprintf(links->reason, sizeof(links->reason),
			 "another XDP program was attached a moment ago");
	else if (q.attach_mode < ARRAY_SIZE(modes) && modes[q.attach_mode])
		snprintf(links->reason, sizeof(links->reason),
			 "another XDP program (id %u, %s) is attached, and not replaced", id,
			 modes[q.attach_mode]);
	else
		snprintf(links->reason, sizeof(links->reason),
			 "other XDP programs (id %u and more) are attached, and not replaced", id);
}

/* Why the driver or the kernel would not have our XDP program, in words that lead on. */
void dataplane_explain(struct dataplane *dp, int ifindex, struct dataplane_attachments *links,
		       int error)
{
	switch (error) {
	case -EBUSY:  /* of the same mode */
	case -EEXIST: /* of the other one */
		dataplane_explain_foreign(ifindex, links);
		break;
	case -EOPNOTSUPP:
	case -EINVAL:
	case -ERANGE:
	case -ENOSPC:
	case -E2BIG:
		dataplane_explain_refusal(dp, ifindex, links, error);
		break;
	default:
		snprintf(links->reason, sizeof(links->reason), "XDP: %s", descriptors_error(error));
	}
}
