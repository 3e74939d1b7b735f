/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a driver sends what XDP answers: the rule by which it is given up on. Pure.
 *
 * Answers may be lost while a ring is full, and clients try again; that is no reason to leave XDP.
 * A driver that loses all of them, or most of very many while nobody's answer comes back, is.
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
	unsigned int bad; /* seconds in a row, those in which nothing was answered left out */
	uint64_t failed, answers; /* of these */
};

/* Begins anew: what was before does not count. */
void tx_errors_begin(struct tx_errors *w, const struct tx_errors_sums *now);

/* To be told each second; true: give it up. */
bool tx_errors_step(struct tx_errors *w, const struct tx_errors_sums *now);
