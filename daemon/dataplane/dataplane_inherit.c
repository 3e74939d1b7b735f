/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The links that the daemon before has left in the store: taken over in place, or ended. */
#include <errno.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "synguard/cleanup.h"

#include "daemon/dataplane/attach.h"
#include "daemon/dataplane/inherit.h"
#include "synguard.skel.h"

/* The id of the link's program where it is attached to this interface, else 0. */
static __u32 inherit_program(int link_fd, int ifindex)
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
static bool inherit_is_on(int link_fd, int ifindex, int where)
{
	__u32 id = inherit_program(link_fd, ifindex);

	return id && dataplane_tcx_has(ifindex, where, id);
}

static bool inherit_xdp_is_on(int link_fd, int ifindex)
{
	__u32 id = inherit_program(link_fd, ifindex), now = 0;

	return id && !bpf_xdp_query_id(ifindex, 0, &now) && now == id;
}

struct dataplane_attachments dataplane_inherit(struct dataplane *dp, int ifindex)
{
	const struct dataplane_store *store = dataplane_store(dp);
	struct dataplane_attachments links = DATAPLANE_ATTACHMENTS_NONE;
	int native = dataplane_take_link(store, DATAPLANE_LINK_NATIVE, ifindex);
	int generic = dataplane_take_link(store, DATAPLANE_LINK_GENERIC, ifindex);

	links.ifindex = ifindex;
	links.ingress_fd = dataplane_take_link(store, DATAPLANE_LINK_INGRESS, ifindex);
	links.egress_fd = dataplane_take_link(store, DATAPLANE_LINK_EGRESS, ifindex);
	links.attach = DATAPLANE_TCX;
	if (inherit_xdp_is_on(native, ifindex)) {
		links.attach = DATAPLANE_NATIVE;
		links.xdp_fd = TAKE_FD(native);
	} else if (inherit_xdp_is_on(generic, ifindex)) {
		links.attach = DATAPLANE_GENERIC;
		links.xdp_fd = TAKE_FD(generic);
	}
	dataplane_end_link(store, DATAPLANE_LINK_NATIVE, ifindex, native);
	dataplane_end_link(store, DATAPLANE_LINK_GENERIC, ifindex, generic);
	/* without both of tcx, what XDP challenges would not be let in, or not be proven */
	if (!inherit_is_on(links.ingress_fd, ifindex, DATAPLANE_TCX_INGRESS) ||
	    !inherit_is_on(links.egress_fd, ifindex, DATAPLANE_TCX_EGRESS))
		dataplane_detach(dp, &links);
	links.answers = links.attach > DATAPLANE_TCX;
	links.inherited = links.attach != DATAPLANE_NONE;
	return links;
}

static int inherit_update(int link_fd, const struct bpf_program *prog)
{
	return bpf_link_update(link_fd, bpf_program__fd(prog), NULL) < 0 ? -errno : 0;
}

/* What tcx has to do at ingress: nothing that XDP does, and to answer only where the way has it. */
static const struct bpf_program *inherit_ingress(struct synguard_bpf *skel, enum attach_mode way,
						 const struct dataplane_attachments *links)
{
	if (links->attach > DATAPLANE_TCX)
		return skel->progs.synguard_ingress;
	return way == ATTACH_MODE_AUTO || way == ATTACH_MODE_TCX ?
		       skel->progs.synguard_ingress_answers :
		       skel->progs.synguard_ingress_alone;
}

void dataplane_succeed(struct dataplane *dp, enum attach_mode way,
		       struct dataplane_attachments *links)
{
	struct synguard_bpf *skel = dataplane_skeleton(dp);
	int r;

	if (!links->inherited)
		return;
	links->inherited = false;
	/* in the order of attaching: proof, acceptance, challenge */
	r = inherit_update(links->egress_fd, skel->progs.synguard_egress);
	if (!r)
		r = inherit_update(links->ingress_fd, inherit_ingress(skel, way, links));
	if (!r && links->attach > DATAPLANE_TCX)
		r = inherit_update(links->xdp_fd, links->attach == DATAPLANE_GENERIC ?
							  skel->progs.synguard_xdp_generic :
							  skel->progs.synguard_xdp);
	if (r < 0)
		dataplane_detach(dp, links);
}

void dataplane_let_go(struct dataplane_attachments *links)
{
	close_fd(links->xdp_fd);
	close_fd(links->ingress_fd);
	close_fd(links->egress_fd);
	*links = DATAPLANE_ATTACHMENTS_NONE;
}
