/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From clients to a result. See clients_count.h and clients.h.
 */
#include "tests/lab/clients_count.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_SEC 1000000000ULL

static int compare_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void count_failure(struct clients_result *r, int err)
{
	switch (err) {
	case -ETIMEDOUT:
		r->timed_out++;
		break;
	case -ECONNREFUSED:
		r->refused++;
		break;
	case -ECONNRESET:
	case -EPIPE:
		r->reset++;
		break;
	default:
		r->other++;
		r->other_errno = err;
	}
}

static void count_client(struct clients_result *r, const struct client *c)
{
	if (c->state == CLIENT_NOT_STARTED)
		return;
	r->attempted++;
	r->attempted6 += c->v6;
	if (c->state == CLIENT_FAILED) {
		count_failure(r, c->err);
		return;
	}
	r->connected++;
	r->connected6 += c->v6;
	r->connected_1s += c->echo_ns <= NS_PER_SEC;
	r->connect_ns[r->times] = c->connect_ns;
	r->echo_ns[r->times] = c->echo_ns;
	r->times++;
}

int clients_count(const struct client *all, size_t n, struct clients_result *ret)
{
	struct clients_result r = { 0 };
	size_t i;

	/* Without clients there is nothing to point at, which is not a failure. */
	r.connect_ns = calloc(n + 1, sizeof(*r.connect_ns));
	r.echo_ns = calloc(n + 1, sizeof(*r.echo_ns));
	if (!r.connect_ns || !r.echo_ns) {
		clients_result_done(&r);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++)
		count_client(&r, &all[i]);
	qsort(r.connect_ns, r.times, sizeof(*r.connect_ns), compare_ns);
	qsort(r.echo_ns, r.times, sizeof(*r.echo_ns), compare_ns);
	*ret = r;
	return 0;
}

void clients_result_done(struct clients_result *result)
{
	free(result->connect_ns);
	free(result->echo_ns);
	result->connect_ns = result->echo_ns = NULL;
	result->times = 0;
}

uint64_t clients_percentile_ns(const uint64_t *sorted, size_t n, unsigned int percent)
{
	/* nearest rank */
	return n ? sorted[(n * percent + 99) / 100 - (percent > 0)] : 0;
}
