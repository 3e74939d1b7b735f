/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces that the programs are attached to: kept in line with what there is, what the
 * admin named (iface_names.h), and what the mode needs.
 *
 * An interface that was meant once is followed by its index: it stays attached to whatever it is
 * called later, up or down, until it is gone or the admin names others. A name is how the admin
 * points at an interface, and protection must not end silently because something renamed it.
 *
 * Attaching and detaching happen in a thread (worker.h), so what ifaces_report() says of an
 * interface is how it was before a change that is under way. What somebody else did to the
 * programs, or an XDP program of somebody else's that went, is found out within seconds.
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
 * Words as in iface_names.h, copied; dp is borrowed. Without dp (engine "kernel") the interfaces are known
 * and nothing is attached. The caller owns *ret. -errno.
 */
int ifaces_new(struct ifaces **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	       size_t name_count, const struct ifaces_handler *handler);
/* Lets go of all (dataplane_close_links()). Before rtnl_free(). */
struct ifaces *ifaces_free(struct ifaces *p);

/*
 * Other names: at the next ifaces_reconcile() what they do not mean (up or down) is detached from,
 * what they mean is attached to, and what stays is left as it is. -errno, and the old ones hold.
 */
int ifaces_set_names(struct ifaces *p, const char *const *names, size_t count);

/* Begins to attach to what is wanted and there and to detach from what is not. Keeps rtnl. */
void ifaces_reconcile(struct ifaces *p, struct rtnl *rtnl, enum attach_mode mode);

/* Waits until what was begun is done, at most so long. */
void ifaces_settle(struct ifaces *p, uint64_t limit_usec);

/* Each second: checks whether what was attached still is, and tries again what could not be. */
void ifaces_tick(struct ifaces *p, uint64_t now_ns);

/* IFACES_MISSING for each of the words that means nothing now. */
void ifaces_warn(const struct ifaces *p, struct rtnl *rtnl);

/* One row for each interface; the caller frees *ret. -errno. */
int ifaces_report(const struct ifaces *p, struct report_interface **ret, size_t *count);
