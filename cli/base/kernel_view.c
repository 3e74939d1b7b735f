/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/kernel_view.h"

#include "synguard/cleanup.h"

#include "daemon/net/netstat.h"
#include "daemon/net/sockdiag.h"
#include "daemon/net/sysctl.h"

const struct kernel_view_row kernel_view_rows[] = {
#define KERNEL_VIEW_ROW_(id, name, help) { name, help },
	KERNEL_VIEW_COUNTERS(KERNEL_VIEW_ROW_)
#undef KERNEL_VIEW_ROW_
};

static void kernel_view_count(void *userdata, const struct sockdiag_socket *s)
{
	struct kernel_view *view = userdata;

	if (!s->listening) {
		view->half_open++;
		return;
	}
	view->listeners++;
	/* sk_acceptq_is_full(): one more than the backlog fits */
	view->full += s->accept_queue > s->queue_max;
}

void kernel_view_netstat(struct kernel_view *view, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int i;

	if (netstat_read_text(path, &text) < 0)
		return;
	for (i = 0; i < KERNEL_VIEW_COUNTER_COUNT; i++)
		if (!netstat_counter(text, "TcpExt", kernel_view_rows[i].name, &view->counters[i]))
			view->counted[i] = true;
}

void kernel_view(struct kernel_view *view)
{
	uint64_t syncookies;

	*view = (struct kernel_view){};
	view->sockets = sockdiag_walk(kernel_view_count, view) >= 0;
	kernel_view_netstat(view, NETSTAT_PATH);
	view->syncookies = sysctl_read("net.ipv4.tcp_syncookies", &syncookies) < 0 ? -1 :
										     syncookies;
}
