/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The half of dataplane that attaches programs to interfaces and looks after them. */
#include "dataplane_attach.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "dataplane.h"
#include "descriptors.h"
#include "synguard.skel.h"

/* The kernel's own limit for one hook of one interface (BPF_MPROG_MAX). */
#define DATAPLANE_MPROG_MAX 64

static const char *const dataplane_attach_names[] = {
	[DATAPLANE_NONE] = "none",
	[DATAPLANE_TCX] = "tcx",
	[DATAPLANE_NATIVE] = "native",
	[DATAPLANE_GENERIC] = "generic",
};
static_assert(ARRAY_SIZE(dataplane_attach_names) == DATAPLANE_ATTACH_COUNT,
	      "every way of attaching has a name");

const char *dataplane_attach_name(enum dataplane_attach attach)
{
	return attach < DATAPLANE_ATTACH_COUNT ? dataplane_attach_names[attach] : "unknown";
}

/* ---- why not --------------------------------------------------------------------------- */

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
				      struct dataplane_links *links, int error)
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
static void dataplane_explain_foreign(int ifindex, struct dataplane_links *links)
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
static void dataplane_explain(struct dataplane *dp, int ifindex, struct dataplane_links *links,
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

/* ---- attaching ------------------------------------------------------------------------- */

static int dataplane_attach_tcx(struct bpf_program *prog, int ifindex, int where)
{
	LIBBPF_OPTS(bpf_link_create_opts, first, .flags = DATAPLANE_F_BEFORE);
	int fd = bpf_link_create(bpf_program__fd(prog), ifindex, where, &first);

	return fd < 0 ? -errno : descriptors_spare(fd);
}

/* SYNs are judged by XDP where it is attached, and then ingress must not count them too. */
static int dataplane_ingress(struct dataplane_links *links, const struct bpf_program *prog)
{
	return bpf_link_update(links->ingress_fd, bpf_program__fd(prog), NULL) < 0 ? -errno : 0;
}

/* Back to tcx, which answers or does not. What XDP challenged goes on being accepted. */
static int dataplane_fall(struct dataplane *dp, struct dataplane_links *links, bool answers)
{
	struct synguard_bpf *skel = dataplane_skeleton(dp);
	/* first, so that no SYN goes uncounted */
	int r = dataplane_ingress(links, answers ? skel->progs.synguard_ingress_answers :
						   skel->progs.synguard_ingress_alone);

	links->xdp_fd = close_fd(links->xdp_fd);
	links->attach = DATAPLANE_TCX;
	links->answers = answers && !r;
	return r;
}

static int dataplane_raise(struct dataplane *dp, int ifindex, bool generic,
			   struct dataplane_links *links)
{
	struct synguard_bpf *skel = dataplane_skeleton(dp);
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	const struct bpf_program *prog = generic ? skel->progs.synguard_xdp_generic :
						   skel->progs.synguard_xdp;
	int fd = bpf_link_create(bpf_program__fd(prog), ifindex, BPF_XDP, &opts);
	int r;

	fd = fd < 0 ? -errno : descriptors_spare(fd);
	if (fd < 0)
		return fd;
	r = dataplane_ingress(links, skel->progs.synguard_ingress);
	if (r < 0) {
		close(fd);
		return r;
	}
	links->xdp_fd = fd;
	links->attach = generic ? DATAPLANE_GENERIC : DATAPLANE_NATIVE;
	links->answers = true;
	return 0;
}

/* From tcx to what this way wants. What cannot be had is in *reason, not in what is returned. */
static void dataplane_go(struct dataplane *dp, int ifindex, enum way way,
			 struct dataplane_links *links)
{
	int r = 0;

	links->foreign = false;
	if (way == WAY_WATCH)
		snprintf(links->reason, sizeof(links->reason), "mode off or observe needs no XDP");
	else if (way == WAY_TCX)
		snprintf(links->reason, sizeof(links->reason), "as set: Attach=tcx");
	else
		r = dataplane_raise(dp, ifindex, way == WAY_GENERIC, links);
	if (links->attach != DATAPLANE_TCX) {
		snprintf(links->reason, sizeof(links->reason), "%s",
			 way == WAY_GENERIC ? "as set: Attach=generic" : "");
		return;
	}
	if (r < 0 && way == WAY_GENERIC && r != -EBUSY && r != -EEXIST)
		snprintf(links->reason, sizeof(links->reason), "generic XDP: %s", strerror(-r));
	else if (r < 0)
		dataplane_explain(dp, ifindex, links, r);
	r = dataplane_fall(dp, links, way == WAY_TCX || way == WAY_AUTO);
	if (r < 0)
		snprintf(links->reason, sizeof(links->reason), "tcx: %s", strerror(-r));
}

/* Whether what is attached is what this way would come to at best. */
static bool dataplane_has(enum way way, const struct dataplane_links *links)
{
	if (way == WAY_WATCH)
		return links->attach != DATAPLANE_TCX;
	if (way == WAY_GENERIC)
		return links->attach == DATAPLANE_GENERIC;
	return way != WAY_TCX && links->attach == DATAPLANE_NATIVE;
}

/* The tcx programs, of which ingress counts, accepts, and does not answer yet. */
static int dataplane_begin(struct dataplane *dp, int ifindex, struct dataplane_links *links)
{
	struct synguard_bpf *skel = dataplane_skeleton(dp);
	int egress, ingress;

	/* proof first, so that nothing is challenged that could not be proven */
	egress = dataplane_attach_tcx(skel->progs.synguard_egress, ifindex, DATAPLANE_TCX_EGRESS);
	if (egress < 0)
		return egress;
	ingress = dataplane_attach_tcx(skel->progs.synguard_ingress_alone, ifindex,
				       DATAPLANE_TCX_INGRESS);
	if (ingress < 0) {
		close(egress);
		return ingress;
	}
	links->ingress_fd = ingress;
	links->egress_fd = egress;
	links->attach = DATAPLANE_TCX;
	return 0;
}

int dataplane_attach(struct dataplane *dp, int ifindex, enum way way, struct dataplane_links *links)
{
	int r;

	if (links->taken_off)
		return 0;
	if (links->attach == DATAPLANE_NONE) {
		r = dataplane_begin(dp, ifindex, links);
		if (r < 0)
			return r;
	}
	if (dataplane_has(way, links))
		return 0;
	/* one mode of XDP keeps the other out; meanwhile tcx answers */
	if (links->attach != DATAPLANE_TCX)
		dataplane_fall(dp, links, true);
	dataplane_go(dp, ifindex, way, links);
	return 0;
}

void dataplane_lower(struct dataplane *dp, struct dataplane_links *links)
{
	if (links->attach != DATAPLANE_NONE)
		dataplane_fall(dp, links, false);
}

void dataplane_detach(struct dataplane_links *links)
{
	/* challenges end before acceptances do */
	close_fd(links->xdp_fd);
	close_fd(links->ingress_fd);
	close_fd(links->egress_fd);
	*links = DATAPLANE_LINKS_NONE;
}

/* ---- what is in force ------------------------------------------------------------------ */

static __u32 dataplane_program_id(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size) < 0 ? 0 : info.id;
}

/*
 * Asked of the interface, not of the link: a link goes with its interface into another network
 * namespace, and the index may be another interface's here by now. Where asking fails, the link is
 * believed in.
 */
static bool dataplane_tcx_is_on(int ifindex, int where, const struct bpf_program *const progs[])
{
	__u32 ids[DATAPLANE_MPROG_MAX], count = ARRAY_SIZE(ids), flags, i, ours;

	if (bpf_prog_query(ifindex, where, 0, &flags, ids, &count) < 0)
		return errno != ENODEV && errno != ENOENT;
	for (; *progs; progs++) {
		ours = dataplane_program_id(*progs);
		for (i = 0; i < count; i++)
			if (ids[i] == ours)
				return true;
	}
	return false;
}

static bool dataplane_xdp_is_on(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0 || info.xdp.ifindex;
}

void dataplane_check(struct dataplane *dp, int ifindex, struct dataplane_links *links)
{
	const struct synguard_bpf *skel = dataplane_skeleton(dp);
	const struct bpf_program *const out[] = { skel->progs.synguard_egress, NULL };
	const struct bpf_program *const in[] = { skel->progs.synguard_ingress,
						 skel->progs.synguard_ingress_answers,
						 skel->progs.synguard_ingress_alone, NULL };
	bool egress, ingress;

	if (links->attach == DATAPLANE_NONE)
		return;
	egress = dataplane_tcx_is_on(ifindex, DATAPLANE_TCX_EGRESS, out);
	ingress = dataplane_tcx_is_on(ifindex, DATAPLANE_TCX_INGRESS, in);
	if (!egress || !ingress) {
		/* XDP without ingress would challenge clients that nobody then lets in */
		dataplane_detach(links);
		links->taken_off = egress || ingress;
		if (links->taken_off)
			snprintf(links->reason, sizeof(links->reason),
				 "somebody detached our tcx program; restart synguardd to have it "
				 "back");
	} else if (links->attach > DATAPLANE_TCX && !dataplane_xdp_is_on(links->xdp_fd)) {
		dataplane_fall(dp, links, false);
		links->taken_off = true;
		snprintf(links->reason, sizeof(links->reason),
			 "somebody detached our XDP program; restart synguardd to have it back");
	}
}
