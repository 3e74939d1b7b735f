/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces that the programs are attached to: the set (ifaces.c) follows the interfaces that
 * the host has, the names that the admin gave (iface_names.h), and the mode; one interface (iface.c)
 * is attached, checked and detached; events of it (iface_events.c) are limited. How programs are
 * attached is daemon/dataplane's.
 *
 * An interface that a name meant once is followed by its index: it stays attached when it is
 * renamed, up or down, until it is gone or the admin names others. A name is how the admin points at
 * an interface, and protection must not end silently because something renamed it.
 *
 * Attaching and detaching happen in a thread (worker.h), so that ifaces_report() has an interface as
 * it was before a change that is under way. Programs of ours that somebody detached, and programs of
 * others that are gone, are noticed within seconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/dataplane/attach.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/net/rtnl.h"
#include "daemon/report/report.h"

struct ifaces;

/*
 * Names as in iface_names.h, copied; dp is borrowed. Without dp (engine "kernel") the interfaces are
 * known and nothing is attached. The caller owns *ret. -errno.
 */
int ifaces_new(struct ifaces **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	       size_t name_count, const struct ifaces_handler *handler);
/* Closes all links (dataplane_close_links()). To be called before rtnl_free(). */
struct ifaces *ifaces_free(struct ifaces *p);

/*
 * The next ifaces_reconcile() detaches from what these names do not mean (up or down), attaches to
 * what they mean, and leaves the rest as it is. -errno: the old names hold.
 */
int ifaces_set_names(struct ifaces *p, const char *const *names, size_t count);

/* Begins to attach to what is wanted, and to detach from what is not. Borrows rtnl. */
void ifaces_reconcile(struct ifaces *p, struct rtnl *rtnl, enum attach_mode mode);

/* Waits until all jobs are done, at most so long. */
void ifaces_settle(struct ifaces *p, uint64_t limit_usec);

/* Each second: checks whether what was attached still is, and tries again what could not be. */
void ifaces_tick(struct ifaces *p, uint64_t now_ns);

/* Reports IFACES_MISSING for each name that no interface has now. */
void ifaces_warn(const struct ifaces *p, struct rtnl *rtnl);

/* One row for each interface; the caller frees *ret. -errno. */
int ifaces_report(const struct ifaces *p, struct report_interface **ret, size_t *count);
