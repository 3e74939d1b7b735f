/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The half of dataplane that attaches programs to interfaces and looks after them. */
#include "daemon/dataplane/attach.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/base/descriptors.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/dataplane/inherit.h"
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

/* ---- attaching ------------------------------------------------------------------------- */

static int dataplane_attach_tcx(struct bpf_program *prog, int ifindex, int where)
{
	LIBBPF_OPTS(bpf_link_create_opts, first, .flags = DATAPLANE_F_BEFORE);
	int fd = bpf_link_create(bpf_program__fd(prog), ifindex, where, &first);

	return fd < 0 ? -errno : descriptors_spare(fd);
}

static enum dataplane_link dataplane_xdp_link(const struct dataplane_attachments *links)
{
	return links->attach == DATAPLANE_GENERIC ? DATAPLANE_LINK_GENERIC : DATAPLANE_LINK_NATIVE;
}

static void dataplane_end_xdp(struct dataplane *dp, struct dataplane_attachments *links)
{
	dataplane_end_link(dataplane_store(dp), dataplane_xdp_link(links), links->ifindex,
			   links->xdp_fd);
	links->xdp_fd = -EBADF;
}

/* SYNs are judged by XDP where it is attached, and then ingress must not count them too. */
static int dataplane_ingress(struct dataplane_attachments *links, const struct bpf_program *prog)
{
	return bpf_link_update(links->ingress_fd, bpf_program__fd(prog), NULL) < 0 ? -errno : 0;
}

/* Back to tcx, which answers or does not. What XDP challenged goes on being accepted. */
static int dataplane_fall(struct dataplane *dp, struct dataplane_attachments *links, bool answers)
{
	struct synguard_bpf *skel = dataplane_skeleton(dp);
	/* first, so that no SYN goes uncounted */
	int r = dataplane_ingress(links, answers ? skel->progs.synguard_ingress_answers :
						   skel->progs.synguard_ingress_alone);

	dataplane_end_xdp(dp, links);
	links->attach = DATAPLANE_TCX;
	links->answers = answers && !r;
	return r;
}

static int dataplane_raise(struct dataplane *dp, int ifindex, bool generic,
			   struct dataplane_attachments *links)
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
	dataplane_keep_link(dataplane_store(dp), dataplane_xdp_link(links), ifindex, fd);
	return 0;
}

/* From tcx to what this way wants. What cannot be had is in *reason, not in what is returned. */
static void dataplane_go(struct dataplane *dp, int ifindex, enum attach_mode way,
			 struct dataplane_attachments *links)
{
	int r = 0;

	links->foreign = false;
	if (way == ATTACH_MODE_WATCH)
		snprintf(links->reason, sizeof(links->reason), "mode off or observe needs no XDP");
	else if (way == ATTACH_MODE_TCX)
		snprintf(links->reason, sizeof(links->reason), "as set: Attach=tcx");
	else
		r = dataplane_raise(dp, ifindex, way == ATTACH_MODE_GENERIC, links);
	if (links->attach != DATAPLANE_TCX) {
		snprintf(links->reason, sizeof(links->reason), "%s",
			 way == ATTACH_MODE_GENERIC ? "as set: Attach=generic" : "");
		return;
	}
	if (r < 0 && way == ATTACH_MODE_GENERIC && r != -EBUSY && r != -EEXIST)
		snprintf(links->reason, sizeof(links->reason), "generic XDP: %s", strerror(-r));
	else if (r < 0)
		dataplane_explain(dp, ifindex, links, r);
	r = dataplane_fall(dp, links, way == ATTACH_MODE_TCX || way == ATTACH_MODE_AUTO);
	if (r < 0)
		snprintf(links->reason, sizeof(links->reason), "tcx: %s", strerror(-r));
}

/* Whether what is attached is what this way would come to at best. */
static bool dataplane_has(enum attach_mode way, const struct dataplane_attachments *links)
{
	if (way == ATTACH_MODE_WATCH)
		return links->attach != DATAPLANE_TCX;
	if (way == ATTACH_MODE_GENERIC)
		return links->attach == DATAPLANE_GENERIC;
	return way != ATTACH_MODE_TCX && links->attach == DATAPLANE_NATIVE;
}

/* The tcx programs, of which ingress counts, accepts, and does not answer yet. */
static int dataplane_begin(struct dataplane *dp, int ifindex, struct dataplane_attachments *links)
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
	links->ifindex = ifindex;
	links->ingress_fd = ingress;
	links->egress_fd = egress;
	links->attach = DATAPLANE_TCX;
	dataplane_keep_link(dataplane_store(dp), DATAPLANE_LINK_INGRESS, ifindex, ingress);
	dataplane_keep_link(dataplane_store(dp), DATAPLANE_LINK_EGRESS, ifindex, egress);
	return 0;
}

int dataplane_attach(struct dataplane *dp, int ifindex, enum attach_mode way,
		     struct dataplane_attachments *links)
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

void dataplane_lower(struct dataplane *dp, struct dataplane_attachments *links)
{
	if (links->attach != DATAPLANE_NONE)
		dataplane_fall(dp, links, false);
}

void dataplane_detach(struct dataplane *dp, struct dataplane_attachments *links)
{
	const struct dataplane_store *store = dataplane_store(dp);

	/* challenges end before acceptances do */
	dataplane_end_xdp(dp, links);
	dataplane_end_link(store, DATAPLANE_LINK_INGRESS, links->ifindex, links->ingress_fd);
	dataplane_end_link(store, DATAPLANE_LINK_EGRESS, links->ifindex, links->egress_fd);
	*links = DATAPLANE_ATTACHMENTS_NONE;
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
bool dataplane_tcx_has(int ifindex, int where, uint32_t prog_id)
{
	__u32 ids[DATAPLANE_MPROG_MAX], count = ARRAY_SIZE(ids), flags, i;

	if (bpf_prog_query(ifindex, where, 0, &flags, ids, &count) < 0)
		return errno != ENODEV && errno != ENOENT;
	for (i = 0; i < count; i++)
		if (ids[i] == prog_id)
			return true;
	return false;
}

static bool dataplane_tcx_is_on(int ifindex, int where, const struct bpf_program *const progs[])
{
	for (; *progs; progs++)
		if (dataplane_tcx_has(ifindex, where, dataplane_program_id(*progs)))
			return true;
	return false;
}

static bool dataplane_xdp_is_on(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &size) < 0 || info.xdp.ifindex;
}

void dataplane_check(struct dataplane *dp, int ifindex, struct dataplane_attachments *links)
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
		dataplane_detach(dp, links);
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
