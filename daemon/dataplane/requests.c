/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/dataplane/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "daemon/dataplane/dataplane.h"
#include "reap.skel.h"

struct dataplane_requests {
	struct reap_bpf *skel;
};

int dataplane_requests_new(struct dataplane_requests **ret, struct complaint *c)
{
	struct dataplane_requests *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	libbpf_set_print(NULL);
	q->skel = reap_bpf__open();
	r = q->skel ? reap_bpf__load(q->skel) : -errno;
	if (r < 0) {
		dataplane_explain(
			c,
			"the program that tells which half-open connections were answered "
			"could not be loaded",
			r, "");
		dataplane_requests_free(q);
		return r;
	}
	*ret = q;
	return 0;
}

struct dataplane_requests *dataplane_requests_free(struct dataplane_requests *q)
{
	if (q)
		reap_bpf__destroy(q->skel);
	free(q);
	return NULL;
}

struct sg_requests *dataplane_requests(struct dataplane_requests *q)
{
	return &q->skel->bss->requests;
}

int dataplane_requests_judge(struct dataplane_requests *q, uint32_t ifindex)
{
	/* BPF_PROG_RUN wants a packet for this type of program; the program does not read it */
	static const char packet[64];
	struct __sk_buff context = { .ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);

	return bpf_prog_test_run_opts(bpf_program__fd(q->skel->progs.synguard_reap), &o) < 0 ?
		       -errno :
		       0;
}
