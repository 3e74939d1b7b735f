/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name that somebody may have meant. Pure.
 *
 *	struct nearest n = nearest_to("statsu");
 *	nearest_offer(&n, "status");
 *	... n.name, NULL where nothing that was offered is near
 */
#pragma once

struct nearest {
	const char *wanted;
	const char *name; /* as it was offered */
	unsigned int distance;
};

struct nearest nearest_to(const char *wanted);
void nearest_offer(struct nearest *n, const char *name);

/* Letters to change, to insert, to remove or to swap with the next one; case does not count. */
unsigned int nearest_distance(const char *a, const char *b);
