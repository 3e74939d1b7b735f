/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of dataplane that loads the programs, or says why the kernel cannot have them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dataplane/dataplane.h"

struct synguard_bpf;

struct dataplane_loaded {
	struct synguard_bpf *skel; /* the caller destroys it */
	bool continues;		   /* with the memory of the daemon before */
};

/* As dataplane_new(). On failure nothing is left. */
int dataplane_load(struct dataplane_loaded *ret, uint8_t epoch_shift,
		   const struct dataplane_store *store, struct complaint *c);
