/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the daemon: which maps and links the store keeps, under which names, and whether
 * the maps that an earlier daemon left fit this one's programs. store may be NULL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dataplane/dataplane.h"

/* A hash of all that has to be as it was for the memory of an earlier daemon to be of use. */
struct inherit_stamp {
	char text[17];
};

/* Needs the skeleton open, not loaded, and its read-only data filled. -errno. */
int inherit_stamp(struct synguard_bpf *skel, struct inherit_stamp *ret);

/*
 * Before the load: has the maps be those that are in the store. All of them or none; 1 or 0, or
 * -errno, after which the skeleton is not to be loaded.
 */
int inherit_maps(struct synguard_bpf *skel, struct fdstore *store,
		 const struct inherit_stamp *stamp);

/* After a load with fresh maps: puts them into the store. */
void inherit_keep_maps(struct synguard_bpf *skel, struct fdstore *store,
		       const struct inherit_stamp *stamp);

enum inherit_link {
	INHERIT_NATIVE,
	INHERIT_GENERIC,
	INHERIT_INGRESS,
	INHERIT_EGRESS,
};

int inherit_take_link(struct fdstore *store, enum inherit_link what, int ifindex);
void inherit_keep_link(struct fdstore *store, enum inherit_link what, int ifindex, int fd);
/* Detaches it even where somebody else has the descriptor, closes it, and drops it from the store. */
void inherit_end_link(struct fdstore *store, enum inherit_link what, int ifindex, int fd);
