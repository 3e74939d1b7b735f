/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the answers to the flood end: an XDP program on the client's interface that counts and
 * drops what is sent to LAB_FLOOD_NET4 and LAB_FLOOD_NET6, and passes everything else.
 */
#pragma once

#include <stdint.h>

#include "tests/lab/lab.h"

struct sink_counts {
	uint64_t synacks4;
	uint64_t synacks6;
	uint64_t rsts4;
	uint64_t rsts6;
	uint64_t other; /* any other TCP */
	uint64_t passed;
};

struct sink;

/* Attaches to the interface (native XDP) until sink_free(), which takes NULL and returns NULL. */
int sink_new(struct sink **ret, struct lab *lab, int host, const char *ifname);
struct sink *sink_free(struct sink *sink);

/* Since sink_new(). */
void sink_counts(const struct sink *sink, struct sink_counts *ret);

/* SYN-ACKs of both families since sink_new(): how many SYNs were answered. */
uint64_t sink_answers(const struct sink *sink);

static inline void sink_freep(struct sink **p)
{
	sink_free(*p);
}
