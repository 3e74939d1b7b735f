/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From one list of prefixes to another, in slices that are as short as the caller wants: what is
 * not in the new one goes first, so that there is always room for what comes. Where it stops, another
 * one from `to` to `from` leads back. Knows neither the programs nor a clock. Pure.
 */
#pragma once

#include <stdbool.h>

#include "daemon/lists/lists.h"

struct list_apply {
	const struct lists_list *from, *to; /* the caller's, and stay as they are */
	/* Puts a prefix where it counts, or takes it away. -errno. */
	int (*set)(void *userdata, const struct lists_prefix *p, bool here);
	void *userdata;
	bool coming; /* all that goes has gone */
	size_t at;   /* of the list that is walked through */
};

/*
 * Walks through up to `slice` entries. 1: there are more; 0: it is all done; -errno: something could
 * not be put in. What could not be taken away had not been there.
 */
int list_apply_step(struct list_apply *r, size_t slice);
