/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a daemon: what the kernel alone says, and what that does not tell. */
#include <errno.h>

#include "synguard/cleanup.h"

#include "cli/print/status.h"
#include "cli/print/table.h"

DEFINE_CLEANUP(struct table, table_free)
#define _cleanup_table_ _cleanup_(table_free_at)

json_t *status_of_kernel(const struct kernel_view *view)
{
	json_t *root = json_pack("{s:b}", "running", 0), *counters = json_object();
	int i;

	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++)
		if (view->counted[i])
			json_object_set_new(counters, kernel_view_name(i),
					    json_integer(view->counters[i]));
	if (view->sockets) {
		json_object_set_new(root, "half_open", json_integer(view->half_open));
		json_object_set_new(root, "listeners", json_integer(view->listeners));
		json_object_set_new(root, "listeners_accept_full", json_integer(view->full));
	}
	if (view->syncookies >= 0)
		json_object_set_new(root, "tcp_syncookies", json_integer(view->syncookies));
	if (json_object_set_new(root, "counters", counters) < 0) {
		json_decref(root);
		return NULL;
	}
	return root;
}

static const char *syncookies_meaning(int value)
{
	switch (value) {
	case -1:
		return "is not known here";
	case 0:
		return "= 0: a full SYN queue drops SYNs";
	case 1:
		return "= 1: the kernel sends cookies from a full SYN queue";
	default:
		return "= 2: the kernel answers every SYN with a cookie";
	}
}

int status_print_kernel(const struct kernel_view *view, const struct screen *s)
{
	static const struct table_column columns[] = { { "COUNTER" },
						       { "TOTAL", .right = true },
						       { "WHAT IT COUNTS", .cut = 14, .rank = 1 },
						       {} };
	const char *whose = view->silent ? "What the kernel alone says" :
					   "Not defended by synguard";
	_cleanup_table_ struct table *t = table_new(columns);
	int i;

	if (!t)
		return -ENOMEM;
	if (view->sockets)
		screen_wrap(s, 0, "%s: %s half-open connection%s at %s listener%s.", whose,
			    screen_number(s, view->half_open).text, view->half_open == 1 ? "" : "s",
			    screen_number(s, view->listeners).text,
			    view->listeners == 1 ? "" : "s");
	else
		screen_wrap(s, 0, "%s: nothing about sockets.", whose);
	if (view->full)
		screen_wrap(s, 0,
			    "%s of them with a full accept queue: the application does not accept, "
			    "which is no SYN flood.",
			    screen_number(s, view->full).text);
	screen_wrap(s, 0, "tcp_syncookies %s.", syncookies_meaning(view->syncookies));
	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++) {
		if (!view->counted[i])
			continue;
		table_cell(t, "%s", kernel_view_name(i));
		table_cell(t, "%s", screen_number(s, view->counters[i]).text);
		table_cell(t, "%s", kernel_view_help(i));
	}
	putc('\n', s->to);
	i = table_print(t, s);
	putc('\n', s->to);
	screen_wrap(
		s, 0,
		"These are sums of this network namespace. They do not tell which service, whose "
		"SYNs, nor whether it goes on now: run it twice.");
	return i;
}
