/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces that the programs are attached to: kept in line with what there is, what the
 * admin named (portnames.h), and what the mode needs.
 *
 * An interface that was meant once is followed by its index: it stays attached to whatever it is
 * called later, up or down, until it is gone or the admin's words change. A name is how the admin
 * points at an interface, and protection must not end silently because something renamed it.
 *
 * Attaching and detaching happen in a thread (worker.h), so what ports_report() says of an
 * interface is how it was before a change that is under way. What somebody else did to the
 * programs, or an XDP program of somebody else's that went, is found out within seconds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "daemon/dataplane/dataplane.h"
#include "daemon/ifaces/iface_events.h"
#include "daemon/net/rtnl.h"
#include "daemon/report/report.h"

struct ports;

/*
 * Words as in portnames.h, copied; dp is borrowed. Without dp (engine "kernel") the ports are known
 * and nothing is attached. The caller owns *ret. -errno.
 */
int ports_new(struct ports **ret, sd_event *event, struct dataplane *dp, const char *const *names,
	      size_t name_count, const struct ports_handler *handler);
/* Lets go of all (dataplane_let_go()). Before links_free(). */
struct ports *ports_free(struct ports *p);

/*
 * Other words: at the next ports_reconcile() what they do not mean (up or down) is detached from,
 * what they mean is attached to, and what stays is left as it is. -errno, and the old ones hold.
 */
int ports_set_names(struct ports *p, const char *const *names, size_t count);

/* Begins to attach to what is wanted and there and to detach from what is not. Keeps links. */
void ports_reconcile(struct ports *p, struct links *links, enum way way);

/* Waits until what was begun is done, at most so long. */
void ports_settle(struct ports *p, uint64_t limit_usec);

/* Each second: looks whether what was attached still is, and tries again what was in the way. */
void ports_tick(struct ports *p, uint64_t now_ns);

/* PORTS_MISSING for each of the words that means nothing now. */
void ports_warn(const struct ports *p, struct links *links);

/* One row for each port; the caller frees *ret. -errno. */
int ports_report(const struct ports *p, struct report_interface **ret, size_t *count);
