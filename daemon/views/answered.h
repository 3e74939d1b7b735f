/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which half-open connections have been answered: by a client that waits for the listener, to take
 * data first (TCP_DEFER_ACCEPT) or to have room in its accept queue. sock_diag does not say it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/net/sockdiag.h"
#include "synguard/reap_abi.h"

struct dataplane_requests;

typedef void (*answered_fn)(void *userdata, const struct sockdiag_socket *s, bool answered,
			    uint64_t age_ms);

/* Collects as many as one question takes. */
struct answered {
	struct dataplane_requests *requests; /* NULL: nobody can be asked, and the timer is all */
	answered_fn fn;
	void *userdata;
	struct sockdiag_socket of[SG_REQUESTS_MAX];
	uint32_t count;
};

/* fn is called for each in turn, here or later; for the last ones by answered_end(). */
void answered_add(struct answered *a, const struct sockdiag_socket *s);
void answered_end(struct answered *a);
