/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one judgement of whether anything suffers from SYNs that is not defended: a service that
 * something stands in the way of, a listener whose SYNs the programs do not see as a service's, a
 * port where nobody listens.
 *
 * Pure, as detect.h. One begins when three of four samples show it, and ends when none has shown it
 * for the hold.
 */
#pragma once

#include <stddef.h>

#include "daemon/base/addr.h"
#include "daemon/judge/detect_service.h"
#include "synguard/abi.h"
#include "synguard/undefended.h"

/* Since the last sample, of the whole host. */
struct undefended_sample {
	uint64_t now_ns, elapsed_ns;
	uint64_t overfull; /* SYNs that found a SYN queue full, less the kernel's cookies that came back */
	uint64_t passed;		 /* SYNs of services that the programs left to the kernel */
	uint64_t strays[SG_STRAY_KINDS]; /* SYNs that belong to no service in the table */
};

/* What has found a queue full and was not left to the kernel by the programs: not seen by them. */
uint64_t undefended_unseen(const struct undefended_sample *sample);
/* What fills the queues: the strays if there are as many of them, else nothing that was seen. */
enum sg_verdict undefended_cause(const struct undefended_sample *sample);
/* SYNs that are no service's and are to be judged as SYNs of one (struct detect_sample). */
uint64_t undefended_syns(const struct undefended_sample *sample);

/* ---- those that suffer --------------------------------------------------------------------- */

/* More are not told. */
#define UNDEFENDED_MAX 8

struct undefended_row {
	enum sg_undefended kind;
	struct sg_addr addr; /* of a closed port: the one that was seen last */
	__be16 port;	     /* 0: many ports */
	bool ipv6;
	struct detect_held held;
	bool shown, stays; /* in the sample at hand */
	bool told;	   /* its beginning has been */
	uint64_t began_ns;
	uint64_t per_sec; /* SYNs */
	uint64_t queue, limit;
	enum sg_verdict verdict;
};

struct undefended {
	struct undefended_row rows[UNDEFENDED_MAX];
	size_t count;
};

/* In the sample at hand this one suffers; stays: only enough for what has begun. */
void undefended_show(struct undefended *u, const struct undefended_row *row, bool begins);

/* Ends the sample; calls fn for each that begins (row->told is false) or has ended. */
void undefended_step(struct undefended *u, uint64_t now_ns, uint64_t hold_ns,
		     void (*fn)(void *userdata, const struct undefended_row *row, bool ended,
				uint64_t for_ns),
		     void *userdata);

/* Whether a listener's queue is full in the sample at hand, and nothing defends it. */
bool undefended_is_full(const struct undefended *u);

/* The worst of those that have begun. */
enum sg_undefended undefended_worst(const struct undefended *u);

/* ---- words --------------------------------------------------------------------------------- */

const char *undefended_word(enum sg_undefended kind);
/* "192.0.2.1:8080", "port 81", "many ports". */
struct addr_text undefended_name(const struct undefended_row *row);
/* The label of its verdict, or "" */
const char *undefended_verdict(const struct undefended_row *row);
/* The sentence, cut where there is no room; returns text. */
const char *undefended_text(const struct undefended_row *row, char *text, size_t size);
