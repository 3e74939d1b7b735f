/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of prefixes as text: what a person or a file says, and what the daemon keeps for its next
 * start. Pure, as lists.
 */
#pragma once

#include "daemon/lists/lists.h"

/*
 * Reads lines "PREFIX [# comment]"; blank lines and lines of comment alone are passed over. The
 * entries are as *like but for prefix and comment (which like's stands in for where a line has
 * none). `name` is what the text is called in "NAME:LINE: ...", NULL: nothing comes before what is
 * wrong. -EINVAL; -ENOSPC: more than SG_LISTED_MAX; -ENOMEM. The caller owns *ret.
 */
int lists_read(struct lists_list *ret, const char *name, const char *text,
	       const struct lists_entry *like, struct complaint *c);

/* Lines "ADDRESS WHAT". The caller frees *ret. -EINVAL, -ENOMEM. */
int lists_read_spared(struct lists_spared **ret, size_t *count, const char *text,
		      struct complaint *c);

/* What is kept of all lists, as text to be freed; NULL without memory. */
char *lists_save(const struct lists_list lists[LISTS_COUNT]);
/*
 * Puts what was saved and has not expired into empty lists. -EINVAL: not what was saved; the lines
 * before the one in *c have been put in.
 */
int lists_load(struct lists_list lists[LISTS_COUNT], const char *name, const char *text,
	       uint64_t now, struct complaint *c);
