/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of dataplane share: loading, attaching, explaining, inheriting. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dataplane/dataplane.h"

/* linux/bpf.h of 6.6 and later; headers that we may be built with are older */
#define DATAPLANE_TCX_INGRESS 46
#define DATAPLANE_TCX_EGRESS  47
#define DATAPLANE_F_BEFORE    (1u << 3)

struct synguard_bpf;

struct synguard_bpf *dataplane_skeleton(struct dataplane *dp);
/* NULL: nothing is kept. */
const struct dataplane_store *dataplane_store(struct dataplane *dp);

/*
 * Whether this program is attached there (DATAPLANE_TCX_*); asked of the interface of this network
 * namespace, and believed where asking fails.
 */
bool dataplane_tcx_has(int ifindex, int where, uint32_t prog_id);

/* Why the XDP program was refused on an interface, into links->reason and links->foreign. */
void dataplane_explain(struct dataplane *dp, int ifindex, struct dataplane_attachments *links,
		       int error);
