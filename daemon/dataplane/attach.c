/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/attach.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/base/process.h"
#include "daemon/dataplane/control.h"
#include "daemon/dataplane/inherit.h"
#include "synguard.skel.h"

/* linux/bpf.h: BPF_F_BEFORE (Linux 6.6), and the limit of one hook, BPF_MPROG_MAX */
#define ATTACH_F_BEFORE	 (1u << 3)
#define ATTACH_MPROG_MAX 64

static const char *const attach_names[] = {
	[DATAPLANE_NONE] = "none",
	[DATAPLANE_TCX] = "tcx",
	[DATAPLANE_NATIVE] = "native",
	[DATAPLANE_GENERIC] = "generic",
};
static_assert(ARRAY_SIZE(attach_names) == DATAPLANE_ATTACH_COUNT, "every attachment has a name");

const char *dataplane_attach_name(enum dataplane_attach attach)
{
	return attach < DATAPLANE_ATTACH_COUNT ? attach_names[attach] : "unknown";
}

static int attach_update(int link_fd, const struct bpf_program *prog)
{
	return bpf_link_update(link_fd, bpf_program__fd(prog), NULL) < 0 ? -errno : 0;
}

/* ---- why XDP was refused ------------------------------------------------------------------- */

#define attach_reason(at, ...) snprintf((at)->reason, sizeof((at)->reason), __VA_ARGS__)

/* What a driver says of XDP (netlink's extended acknowledgement), and what helps. */
static const struct {
	const char *word;
	const char *remedy; /* a format, of the interface's name */
} attach_remedies[] = {
	{ "mtu", "; lower it with \"ip link set dev %s mtu N\"" },
	{ "lro", "; \"ethtool -K %s lro off\" helps" },
	{ "gro_hw", "; \"ethtool -K %s rx-gro-hw off\" helps" },
	{ "queue", "; change them with \"ethtool -L %s\"" },
	{ "channel", "; change them with \"ethtool -L %s\"" },
	{ "ring", "; change it with \"ethtool -G %s\"" },
};

/* bpf(2) does not return the driver's words; synguard_refused has them from a tracepoint. */
static void attach_explain_driver(const char *words, int ifindex, struct dataplane_attachments *at,
				  int error)
{
	char ifname[IFNAMSIZ], remedy[80] = "";
	size_t i;

	if (!if_indextoname(ifindex, ifname))
		return; /* it is gone */
	for (i = 0; i < ARRAY_SIZE(attach_remedies) && !remedy[0]; i++)
		if (strcasestr(words, attach_remedies[i].word))
			snprintf(remedy, sizeof(remedy), attach_remedies[i].remedy, ifname);
	if (words[0])
		attach_reason(at, "the driver refuses XDP: %.*s%s",
			      (int)(sizeof(at->reason) - 26 - strlen(remedy)), words, remedy);
	else if (error == -EOPNOTSUPP)
		attach_reason(at, "the driver has no native XDP");
	else
		attach_reason(at, "the driver refuses XDP with the present settings (MTU, LRO or "
				  "queues)");
}

/* By its id, which needs no privilege; its name would need CAP_SYS_ADMIN. */
static void attach_explain_foreign(int ifindex, struct dataplane_attachments *at)
{
	static const char *const modes[] = {
		[XDP_ATTACHED_DRV] = "native",
		[XDP_ATTACHED_SKB] = "generic",
		[XDP_ATTACHED_HW] = "offloaded",
	};
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	__u32 id = 0;

	at->foreign = true;
	if (!bpf_xdp_query(ifindex, 0, &q))
		id = q.drv_prog_id ?: q.skb_prog_id ?: q.hw_prog_id ?: q.prog_id;
	if (!id)
		attach_reason(at, "another XDP program was attached a moment ago");
	else if (q.attach_mode < ARRAY_SIZE(modes) && modes[q.attach_mode])
		attach_reason(at, "another XDP program (id %u, %s) is attached, and not replaced",
			      id, modes[q.attach_mode]);
	else
		attach_reason(at,
			      "other XDP programs (id %u and more) are attached, and not replaced",
			      id);
}

static void attach_explain(struct dataplane *dp, int ifindex, struct dataplane_attachments *at,
			   int error)
{
	switch (error) {
	case -EBUSY:  /* of the same mode */
	case -EEXIST: /* of the other one */
		attach_explain_foreign(ifindex, at);
		break;
	case -EOPNOTSUPP:
	case -EINVAL:
	case -ERANGE:
	case -ENOSPC:
	case -E2BIG:
		attach_explain_driver(dp->skel->bss->xdp_refusal, ifindex, at, error);
		break;
	default:
		attach_reason(at, "XDP: %s", descriptors_error(error));
	}
}

/* ---- attaching ----------------------------------------------------------------------------- */

static int attach_tcx(struct bpf_program *prog, int ifindex, int hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, first, .flags = ATTACH_F_BEFORE);
	int fd = bpf_link_create(bpf_program__fd(prog), ifindex, hook, &first);

	return fd < 0 ? -errno : descriptors_spare(fd);
}

static enum inherit_link attach_xdp_kind(const struct dataplane_attachments *at)
{
	return at->attach == DATAPLANE_GENERIC ? INHERIT_GENERIC : INHERIT_NATIVE;
}

static void attach_end_xdp(struct dataplane *dp, struct dataplane_attachments *at)
{
	inherit_end_link(dp->store, attach_xdp_kind(at), at->ifindex, at->xdp_fd);
	at->xdp_fd = -EBADF;
}

/* Back to tcx, which answers or does not. What XDP challenged goes on being accepted. */
static int attach_fall_back(struct dataplane *dp, struct dataplane_attachments *at, bool answers)
{
	/* first, so that no SYN goes uncounted */
	int r = control_set_role(dp, at->ifindex, answers ? SG_INGRESS_ANSWERS : SG_INGRESS_COUNTS);

	attach_end_xdp(dp, at);
	at->attach = DATAPLANE_TCX;
	at->answers = answers && !r;
	return r;
}

static int attach_xdp(struct dataplane *dp, int ifindex, bool generic,
		      struct dataplane_attachments *at)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	const struct bpf_program *prog = generic ? dp->skel->progs.synguard_xdp_generic :
						   dp->skel->progs.synguard_xdp;
	_cleanup_close_ int fd = -EBADF;
	int r;

	dp->skel->bss->xdp_refusal[0] = '\0';
	fd = bpf_link_create(bpf_program__fd(prog), ifindex, BPF_XDP, &opts);
	fd = fd < 0 ? -errno : descriptors_spare(fd);
	if (fd < 0)
		return fd;
	/* where XDP judges the SYNs, ingress must not count them too */
	r = control_set_role(dp, ifindex, SG_INGRESS_BEHIND_XDP);
	if (r < 0)
		return r;
	at->xdp_fd = TAKE_FD(fd);
	at->attach = generic ? DATAPLANE_GENERIC : DATAPLANE_NATIVE;
	at->answers = true;
	inherit_keep_link(dp->store, attach_xdp_kind(at), ifindex, at->xdp_fd);
	return 0;
}

/* From tcx to what this mode wants. What cannot be had is said in at->reason. */
static void attach_advance(struct dataplane *dp, int ifindex, enum attach_mode mode,
			   struct dataplane_attachments *at)
{
	int r = 0;

	at->foreign = false;
	if (mode == ATTACH_MODE_WATCH)
		attach_reason(at, "mode off or observe needs no XDP");
	else if (mode == ATTACH_MODE_TCX)
		attach_reason(at, "as set: Attach=tcx");
	else
		r = attach_xdp(dp, ifindex, mode == ATTACH_MODE_GENERIC, at);
	if (at->attach != DATAPLANE_TCX) {
		attach_reason(at, "%s",
			      mode == ATTACH_MODE_GENERIC ? "as set: Attach=generic" : "");
		return;
	}
	if (r < 0 && mode == ATTACH_MODE_GENERIC && r != -EBUSY && r != -EEXIST)
		attach_reason(at, "generic XDP: %s", strerror(-r));
	else if (r < 0)
		attach_explain(dp, ifindex, at, r);
	r = attach_fall_back(dp, at, mode == ATTACH_MODE_TCX || mode == ATTACH_MODE_AUTO);
	if (r < 0)
		attach_reason(at, "tcx: %s", strerror(-r));
}

/* Whether what is attached is the best that this mode can come to. */
static bool attach_is_best(enum attach_mode mode, const struct dataplane_attachments *at)
{
	if (mode == ATTACH_MODE_WATCH)
		return at->attach != DATAPLANE_TCX;
	if (mode == ATTACH_MODE_GENERIC)
		return at->attach == DATAPLANE_GENERIC;
	return mode != ATTACH_MODE_TCX && at->attach == DATAPLANE_NATIVE;
}

/* The tcx programs, of which ingress counts, accepts, and does not answer yet. */
static int attach_begin(struct dataplane *dp, int ifindex, struct dataplane_attachments *at)
{
	struct synguard_bpf *skel = dp->skel;
	_cleanup_close_ int egress = -EBADF;
	int ingress;

	/* proof first, so that nothing is challenged that could not be proven */
	egress = attach_tcx(skel->progs.synguard_egress, ifindex, ATTACH_TCX_EGRESS);
	if (egress < 0)
		return egress;
	ingress = control_set_role(dp, ifindex, SG_INGRESS_COUNTS) ?:
			  attach_tcx(skel->progs.synguard_ingress, ifindex, ATTACH_TCX_INGRESS);
	if (ingress < 0) {
		control_set_role(dp, ifindex, SG_INGRESS_BEHIND_XDP);
		return ingress;
	}
	at->ifindex = ifindex;
	at->ingress_fd = ingress;
	at->egress_fd = TAKE_FD(egress);
	at->attach = DATAPLANE_TCX;
	inherit_keep_link(dp->store, INHERIT_INGRESS, ifindex, at->ingress_fd);
	inherit_keep_link(dp->store, INHERIT_EGRESS, ifindex, at->egress_fd);
	return 0;
}

int dataplane_attach(struct dataplane *dp, int ifindex, enum attach_mode mode,
		     struct dataplane_attachments *at)
{
	int r;

	if (at->forced_off)
		return 0;
	if (at->attach == DATAPLANE_NONE) {
		r = attach_begin(dp, ifindex, at);
		if (r < 0)
			return r;
	}
	if (attach_is_best(mode, at))
		return 0;
	/* one mode of XDP keeps the other out; meanwhile tcx answers */
	if (at->attach != DATAPLANE_TCX)
		attach_fall_back(dp, at, true);
	attach_advance(dp, ifindex, mode, at);
	return 0;
}

void dataplane_end_challenges(struct dataplane *dp, struct dataplane_attachments *at)
{
	if (at->attach != DATAPLANE_NONE)
		attach_fall_back(dp, at, false);
}

void dataplane_detach(struct dataplane *dp, struct dataplane_attachments *at)
{
	/* challenges end before acceptances do */
	attach_end_xdp(dp, at);
	inherit_end_link(dp->store, INHERIT_INGRESS, at->ifindex, at->ingress_fd);
	inherit_end_link(dp->store, INHERIT_EGRESS, at->ifindex, at->egress_fd);
	control_set_role(dp, at->ifindex, SG_INGRESS_BEHIND_XDP);
	*at = DATAPLANE_ATTACHMENTS_NONE;
}

void dataplane_close_links(struct dataplane_attachments *at)
{
	close_fd(at->xdp_fd);
	close_fd(at->ingress_fd);
	close_fd(at->egress_fd);
	*at = DATAPLANE_ATTACHMENTS_NONE;
}

/* ---- what is attached ---------------------------------------------------------------------- */

/*
 * Asked of the interface, not of the link: a link goes with its interface into another network
 * namespace, and the index may be another interface's here by now. Where the query fails for other
 * reasons, the answer is yes.
 */
static bool attach_tcx_has(int ifindex, int hook, uint32_t prog_id)
{
	__u32 ids[ATTACH_MPROG_MAX], count = ARRAY_SIZE(ids), flags, i;

	if (bpf_prog_query(ifindex, hook, 0, &flags, ids, &count) < 0)
		return errno != ENODEV && errno != ENOENT;
	for (i = 0; i < count; i++)
		if (ids[i] == prog_id)
			return true;
	return false;
}

static bool attach_tcx_is_on(int ifindex, int hook, const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size) < 0)
		info.id = 0;
	return attach_tcx_has(ifindex, hook, info.id);
}

static bool attach_xdp_is_on(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0 || info.xdp.ifindex;
}

void dataplane_check(struct dataplane *dp, int ifindex, struct dataplane_attachments *at)
{
	const struct synguard_bpf *skel = dp->skel;
	bool egress, ingress;

	if (at->attach == DATAPLANE_NONE)
		return;
	egress = attach_tcx_is_on(ifindex, ATTACH_TCX_EGRESS, skel->progs.synguard_egress);
	ingress = attach_tcx_is_on(ifindex, ATTACH_TCX_INGRESS, skel->progs.synguard_ingress);
	if (!egress || !ingress) {
		/* XDP without ingress would challenge clients that nobody then lets in */
		dataplane_detach(dp, at);
		at->forced_off = egress || ingress;
		if (at->forced_off)
			attach_reason(at, "somebody detached our tcx program; restart synguardd to "
					  "have it back");
	} else if (at->attach > DATAPLANE_TCX && !attach_xdp_is_on(at->xdp_fd)) {
		attach_fall_back(dp, at, false);
		at->forced_off = true;
		attach_reason(at, "somebody detached our XDP program; restart synguardd to have it "
				  "back");
	}
}

/* ---- the links of the daemon before -------------------------------------------------------- */

/* The id of the link's program where it is attached to this interface, else 0. */
static __u32 attach_link_program(int link_fd, int ifindex)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (link_fd < 0 || bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0)
		return 0;
	/* a link of tcx has it in the same place; the member came with Linux 6.6 */
	return info.xdp.ifindex == (__u32)ifindex ? info.prog_id : 0;
}

/*
 * That the link has this index is not enough: it goes with its interface into other network
 * namespaces, where the index is another interface's.
 */
static bool attach_link_is_on(int link_fd, int ifindex, int hook)
{
	__u32 id = attach_link_program(link_fd, ifindex);

	return id && attach_tcx_has(ifindex, hook, id);
}

/* Takes the XDP link of this kind where it is attached, and ends it otherwise. */
static bool attach_inherit_xdp(struct dataplane *dp, enum inherit_link kind, int ifindex,
			       struct dataplane_attachments *at)
{
	int fd = inherit_take_link(dp->store, kind, ifindex);
	__u32 id = attach_link_program(fd, ifindex), now = 0;

	if (at->xdp_fd < 0 && id && !bpf_xdp_query_id(ifindex, 0, &now) && now == id) {
		at->xdp_fd = fd;
		return true;
	}
	inherit_end_link(dp->store, kind, ifindex, fd);
	return false;
}

struct dataplane_attachments dataplane_inherit(struct dataplane *dp, int ifindex)
{
	struct dataplane_attachments at = DATAPLANE_ATTACHMENTS_NONE;

	at.ifindex = ifindex;
	at.ingress_fd = inherit_take_link(dp->store, INHERIT_INGRESS, ifindex);
	at.egress_fd = inherit_take_link(dp->store, INHERIT_EGRESS, ifindex);
	at.attach = DATAPLANE_TCX;
	if (attach_inherit_xdp(dp, INHERIT_NATIVE, ifindex, &at))
		at.attach = DATAPLANE_NATIVE;
	if (attach_inherit_xdp(dp, INHERIT_GENERIC, ifindex, &at))
		at.attach = DATAPLANE_GENERIC;
	/* without both of tcx, what XDP challenges would not be let in, or not be proven */
	if (!attach_link_is_on(at.ingress_fd, ifindex, ATTACH_TCX_INGRESS) ||
	    !attach_link_is_on(at.egress_fd, ifindex, ATTACH_TCX_EGRESS))
		dataplane_detach(dp, &at);
	at.answers = at.attach > DATAPLANE_TCX;
	at.inherited = at.attach != DATAPLANE_NONE;
	return at;
}

/* Tcx leaves SYNs to XDP where that is attached, and answers them only where the mode says so. */
static enum sg_ingress_role attach_role(enum attach_mode mode,
					const struct dataplane_attachments *at)
{
	if (at->attach > DATAPLANE_TCX)
		return SG_INGRESS_BEHIND_XDP;
	return mode == ATTACH_MODE_AUTO || mode == ATTACH_MODE_TCX ? SG_INGRESS_ANSWERS :
								     SG_INGRESS_COUNTS;
}

void dataplane_succeed(struct dataplane *dp, enum attach_mode mode,
		       struct dataplane_attachments *at)
{
	struct synguard_bpf *skel = dp->skel;
	int r;

	if (!at->inherited)
		return;
	at->inherited = false;
	/* in the order of attaching: proof, acceptance, challenge */
	r = attach_update(at->egress_fd, skel->progs.synguard_egress);
	if (!r)
		r = control_set_role(dp, at->ifindex, attach_role(mode, at));
	if (!r)
		r = attach_update(at->ingress_fd, skel->progs.synguard_ingress);
	if (!r && at->attach > DATAPLANE_TCX)
		r = attach_update(at->xdp_fd, at->attach == DATAPLANE_GENERIC ?
						      skel->progs.synguard_xdp_generic :
						      skel->progs.synguard_xdp);
	if (r < 0)
		dataplane_detach(dp, at);
}
