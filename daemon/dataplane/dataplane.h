/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's side of BPF, and the only user of libbpf: loads the programs (load.c), takes over
 * those of the daemon before (inherit.c), attaches them to interfaces by bpf_link (attach.c), tells
 * them what to do (control.c), and reads what they have counted (counters.c, heavy_hitters.c) and
 * how the kernel's listeners and connection requests are (listeners.c, requests.c).
 *
 * Everything is attached through descriptors and nothing is pinned: when this process is gone and
 * the service manager keeps no copies for the next one (fdstore.c), the kernel detaches. Knows no
 * policy: whether and when to challenge is for the folders above.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/complaint.h"
#include "synguard/abi.h"

struct fdstore;
struct ring_buffer;
struct synguard_bpf;

/* The keys of a map, sorted by their bytes. */
struct control_keys {
	void *keys;
	size_t count;
};

/* For the files of this folder. */
struct dataplane {
	struct synguard_bpf *skel;
	struct fdstore *store; /* NULL: nothing is kept for the next daemon */
	bool continues;
	struct sg_service *services;
	const struct sg_hitter_set *heavy_hitters;
	struct control_keys macs, local_prefixes; /* what is in these maps */
	struct ring_buffer *calls;
	uint64_t loaded_ns; /* 0: its memory is older */
	int cpus;
};

/*
 * "WHAT: why the kernel refused", with the remedy: rights, memory, or else the errno with the detail,
 * which may be "".
 */
void dataplane_explain(struct complaint *c, const char *what, int error, const char *detail);

/* Whether the kernel has this function, 1 or 0. -EOPNOTSUPP: it has no type information; other
 * -errno. *c says why it cannot be told. */
int dataplane_kernel_has(const char *function, struct complaint *c);

/*
 * Loads the programs, with key epochs of 2^epoch_shift ns, and with the key and the memory of the
 * daemon before where they are in the store and fit; otherwise with a fresh key and empty memory.
 * store is borrowed, and may be NULL. -EOPNOTSUPP: the kernel lacks something, and *c names it and
 * the remedy; other -errno from loading, *c filled as well. The caller owns *ret.
 */
int dataplane_new(struct dataplane **ret, uint8_t epoch_shift, struct fdstore *store,
		  struct complaint *c);
struct dataplane *dataplane_free(struct dataplane *dp);

/* Whether its memory is that of the daemon before: counters go on, cookies are still good. */
bool dataplane_continues(const struct dataplane *dp);

/*
 * Attaches the tracepoints, which needs CAP_PERFMON and CAP_BPF, hence before those are given up,
 * and the iterator over listeners, without which there is still everything else.
 */
int dataplane_attach_tracing(struct dataplane *dp, struct complaint *c);

/*
 * A descriptor that is readable when a program calls for the daemon: a service calls for defence that
 * needs a setting of the host. It stays the dataplane's; -errno. dataplane_hear_calls() makes it quiet.
 */
int dataplane_calls_fd(struct dataplane *dp);
void dataplane_hear_calls(struct dataplane *dp);
