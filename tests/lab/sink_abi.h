/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the sink's BPF program and sink.c share in memory.
 */
#pragma once

#include <linux/types.h>

enum {
	SINK_V4,
	SINK_V6,
	SINK_FAMILIES,
};

/* Queues are polled on several CPUs; one of a higher number shares the line of a lower one. */
#define SINK_CPUS 64

struct sink_state {
	__u64 synacks[SINK_FAMILIES]; /* SYN-ACKs to sources of the flood */
	__u64 rsts[SINK_FAMILIES];
	__u64 other[SINK_FAMILIES];
	__u64 passed; /* what was not for the flood's sources */
} __attribute__((aligned(64)));
