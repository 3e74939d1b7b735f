/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a driver sends the answers of XDP, or XDP has to be given up on its interface. Pure.
 *
 * Answers are lost while a ring is full, and clients try again; that is no reason to give up XDP. A
 * driver that loses all of them, or most of very many while no client completes a challenge, is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "synguard/abi.h"

/* Sums so far, which only grow. */
struct tx_errors_sums {
	struct sg_tx tx;     /* of the interface */
	uint64_t challenged; /* by XDP on all interfaces */
	uint64_t accepted;   /* on all interfaces */
};

struct tx_errors {
	struct tx_errors_sums last;
	unsigned int bad;	  /* seconds in a row; those without an answer do not count */
	uint64_t failed, answers; /* of these */
};

/* Starts again: earlier sums do not count. */
void tx_errors_begin(struct tx_errors *w, const struct tx_errors_sums *now);

/* Once a second; true: give XDP up. */
bool tx_errors_step(struct tx_errors *w, const struct tx_errors_sums *now);
