/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of dataplane that outlives the daemon: which maps, under which names, and whether what
 * an earlier daemon left fits this one's programs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dataplane/dataplane.h"

struct synguard_bpf;

/* Of everything that has to be as it was for the memory of an earlier daemon to be of use. */
struct dataplane_stamp {
	char text[17];
};

/* Needs the skeleton open, not loaded, and its read-only data filled. -errno. */
int dataplane_stamp(struct synguard_bpf *skel, struct dataplane_stamp *ret);

/*
 * Before the load: has the maps be those that are in the store. All of them or none; 1 or 0, or
 * -errno, after which the skeleton is not to be loaded.
 */
int dataplane_reuse(struct synguard_bpf *skel, const struct dataplane_store *store,
		    const struct dataplane_stamp *stamp);

/* After the load of others: puts them into the store. */
void dataplane_keep_maps(struct synguard_bpf *skel, const struct dataplane_store *store,
			 const struct dataplane_stamp *stamp);

enum dataplane_link {
	DATAPLANE_LINK_NATIVE,
	DATAPLANE_LINK_GENERIC,
	DATAPLANE_LINK_INGRESS,
	DATAPLANE_LINK_EGRESS,
};

/* store may be NULL. */
int dataplane_take_link(const struct dataplane_store *store, enum dataplane_link what, int ifindex);
void dataplane_keep_link(const struct dataplane_store *store, enum dataplane_link what, int ifindex,
			 int fd);
/* Detaches it, whoever else has the descriptor; closes it and has it kept no more. */
void dataplane_end_link(const struct dataplane_store *store, enum dataplane_link what, int ifindex,
			int fd);
