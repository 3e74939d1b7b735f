/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The half-open connections of a network namespace by iter/tcp, the way that the daemon did not
 * choose: what it says is compared with what sock_diag does, and so is what it costs.
 */
#pragma once

#include "iter_walk_abi.h"

struct iter_walk;

/* Needs root. -errno. */
int iter_walk_new(struct iter_walk **ret);
struct iter_walk *iter_walk_free(struct iter_walk *w);

/* Calls fn for each of the calling thread's namespace; how many, or -errno. */
int iter_walk(struct iter_walk *w, void (*fn)(void *userdata, const struct iter_walk_row *row),
	      void *userdata);
