/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the sink's BPF program and sink.c share in memory.
 */
#pragma once

#include <linux/types.h>

/* Queues are polled on several CPUs; one of a higher number shares the line of a lower one. */
#define SINK_CPUS 64

struct sink_state {
	__u64 synacks; /* to sources of the flood */
} __attribute__((aligned(64)));
