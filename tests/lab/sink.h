/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the answers to the flood end: an XDP program on the client's interface that drops what is
 * sent to LAB_FLOOD_NET4 and LAB_FLOOD_NET6, counts the SYN-ACKs of it, and passes everything else.
 */
#pragma once

#include <stdint.h>

#include "tests/lab/lab.h"

struct sink;

/* Attaches to the interface (native XDP) until sink_free(), which takes NULL and returns NULL. */
int sink_new(struct sink **ret, struct lab *lab, int host, const char *ifname);
struct sink *sink_free(struct sink *sink);

/* SYN-ACKs of both families since sink_new(): how many SYNs were answered. */
uint64_t sink_answers(const struct sink *sink);

static inline void sink_freep(struct sink **p)
{
	sink_free(*p);
}
