/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interfaces that the programs are attached to: kept in line with what there is, what the
 * admin named, and what the mode needs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dataplane.h"
#include "links.h"
#include "report.h"

struct ports;

/*
 * Names as on the command line, "auto" among them; borrowed, as is dp. Without dp (engine "kernel")
 * the ports are known and nothing is attached. The caller owns *ret. -errno.
 */
int ports_new(struct ports **ret, struct dataplane *dp, const char *const *names,
	      size_t name_count);
/* Detaches from all. */
struct ports *ports_free(struct ports *p);

/*
 * Other names: at the next ports_reconcile() what they do not mean (up or down) is detached from,
 * what they mean is attached to, and what stays is left as it is. -errno, and the old ones hold.
 */
int ports_set_names(struct ports *p, const char *const *names, size_t count);

/* Attaches to what is wanted and there, forgets what is gone. */
void ports_reconcile(struct ports *p, struct links *links, bool want_xdp);

/* Says which of the names match nothing now. */
void ports_warn(const struct ports *p, struct links *links);

/* One row for each port; the caller frees *ret. -errno. */
int ports_report(const struct ports *p, struct links *links, struct report_interface **ret,
		 size_t *count);
