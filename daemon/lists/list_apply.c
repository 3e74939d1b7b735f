/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/lists/list_apply.h"

/* The entry is in this list, and is to be where it was not. */
static int list_apply_entry(struct list_apply *r, const struct lists_list *other,
			    const struct lists_entry *e)
{
	return lists_get(other, &e->prefix) ? 0 : r->set(r->userdata, &e->prefix, r->coming);
}

int list_apply_step(struct list_apply *r, size_t slice)
{
	const struct lists_list *walked = r->coming ? r->to : r->from;
	const struct lists_list *other = r->coming ? r->from : r->to;
	int error;

	for (; slice && r->at < walked->count; slice--, r->at++) {
		error = list_apply_entry(r, other, &walked->entries[r->at]);
		if (error < 0 && r->coming)
			return error;
	}
	if (r->at < walked->count)
		return 1;
	if (r->coming)
		return 0;
	r->coming = true;
	r->at = 0;
	return 1;
}
