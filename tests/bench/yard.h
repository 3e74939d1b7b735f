/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaches a yardstick (yard.bpf.c) to the interface of a host of the lab, in native mode.
 */
#pragma once

#include <stdint.h>

#include "tests/lab/lab.h"

enum yard_program {
	YARD_DROP,
	YARD_REFLECT,
	YARD_IDLE,
};

struct yard;

/* 0 or -errno. It stays attached until yard_free(), which takes NULL and returns NULL. */
int yard_new(struct yard **ret, struct lab *lab, int host, enum yard_program program);
struct yard *yard_free(struct yard *yard);

/* What YARD_DROP has dropped. */
uint64_t yard_dropped(const struct yard *yard);

static inline void yard_freep(struct yard **p)
{
	yard_free(*p);
}
