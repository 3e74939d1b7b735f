/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many half-open connections the listeners on some consecutive ports have. */
#pragma once

#include <stdint.h>

#include "tests/lab/lab.h"

#define QUEUES_MAX 8

struct queues {
	uint16_t first_port; /* host byte order */
	unsigned int length[QUEUES_MAX];
};

/* Counts in the host; first_port is given. 0 or -errno. */
int queues_look(struct lab *lab, int host, struct queues *queues);
