/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/halfopen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/groups.h"
#include "daemon/net/sockdiag.h"

#define HALFOPEN_TIMEOUT_MS	1000
#define HALFOPEN_TIMEOUT_MAX_MS 120000 /* TCP_RTO_MAX */

/* More rows than this are counted and not listed: nobody reads them, and they are memory. */
#define HALFOPEN_ROWS_MAX 262144

struct halfopen {
	FILE *to;
	enum halfopen_by by;
	__be16 port;
	uint64_t total;
	struct groups groups;
	int error;
};

int halfopen_by_parse(const char *word)
{
	static const char *const words[] = { "none", "source", "prefix", "listener" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(word, words[i]))
			return i;
	return -EINVAL;
}

uint64_t halfopen_age_ms(unsigned int retransmits, uint32_t expires_ms)
{
	uint64_t timeout_ms = HALFOPEN_TIMEOUT_MS, until_ms = timeout_ms;

	while (retransmits--) {
		timeout_ms = timeout_ms * 2 < HALFOPEN_TIMEOUT_MAX_MS ? timeout_ms * 2 :
									HALFOPEN_TIMEOUT_MAX_MS;
		until_ms += timeout_ms;
	}
	/* a SYN that comes again postpones the timer */
	return until_ms > expires_ms ? until_ms - expires_ms : 0;
}

static void halfopen_list(struct halfopen *h, const struct sockdiag_socket *s)
{
	uint64_t age_ms = halfopen_age_ms(s->retransmits, s->expires_ms);

	if (h->total > HALFOPEN_ROWS_MAX)
		return;
	fprintf(h->to,
		"%s{\"source\":\"%s\",\"source_port\":%u,\"address\":\"%s\",\"port\":%u,"
		"\"age_seconds\":%" PRIu64 ".%" PRIu64 ",\"retransmits\":%u}",
		h->total > 1 ? ",\n" : "", addr_text(&s->peer).text, ntohs(s->peer_port),
		addr_text(&s->addr).text, ntohs(s->port), age_ms / 1000, age_ms % 1000 / 100,
		s->retransmits);
}

static void halfopen_on_socket(void *userdata, const struct sockdiag_socket *s)
{
	struct halfopen *h = userdata;
	uint64_t age_ms = halfopen_age_ms(s->retransmits, s->expires_ms);
	struct sg_addr network;
	int r = 0;

	if (h->port && s->port != h->port)
		return;
	h->total++;
	switch (h->by) {
	case HALFOPEN_BY_NONE:
		halfopen_list(h, s);
		return;
	case HALFOPEN_BY_SOURCE:
		r = groups_add(&h->groups, &s->peer, 0, age_ms);
		break;
	case HALFOPEN_BY_PREFIX:
		network = addr_network(&s->peer);
		r = groups_add(&h->groups, &network, 0, age_ms);
		break;
	case HALFOPEN_BY_LISTENER:
		r = groups_add(&h->groups, &s->addr, s->port, age_ms);
		break;
	}
	if (r < 0)
		h->error = r;
}

static struct addr_text halfopen_key(const struct halfopen *h, const struct groups_row *row)
{
	switch (h->by) {
	case HALFOPEN_BY_LISTENER:
		return addr_text_socket(&row->addr, row->port);
	case HALFOPEN_BY_PREFIX:
		return addr_text_prefix(&row->addr);
	default:
		return addr_text(&row->addr);
	}
}

static void halfopen_write_groups(struct halfopen *h, size_t count)
{
	size_t i;

	for (i = 0; i < count && i < HALFOPEN_ROWS_MAX; i++) {
		const struct groups_row *row = &h->groups.rows[i];

		fprintf(h->to,
			"%s{\"key\":\"%s\",\"count\":%" PRIu64 ",\"oldest_seconds\":%" PRIu64
			".%" PRIu64 "}",
			i ? ",\n" : "", halfopen_key(h, row).text, row->count,
			row->oldest_ms / 1000, row->oldest_ms % 1000 / 100);
	}
}

int halfopen_write(FILE *to, enum halfopen_by by, __be16 port)
{
	struct halfopen h = { .to = to, .by = by, .port = port };
	bool partial = false;
	uint64_t salt[2];
	size_t rows;
	int r;

	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return -EIO;
	groups_init(&h.groups, salt[0], salt[1]);
	fprintf(to, "{\"%s\":[", by == HALFOPEN_BY_NONE ? "entries" : "groups");
	r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, halfopen_on_socket, &h, &partial);
	rows = groups_sort(&h.groups);
	if (by == HALFOPEN_BY_NONE)
		rows = h.total;
	else
		halfopen_write_groups(&h, rows);
	/* rows that are missing make it partial, too; nothing at all is a failure */
	if (r < 0 && h.total)
		h.error = r;
	partial = partial || h.error < 0 || rows > HALFOPEN_ROWS_MAX;
	/* behind the rows, which are written as they come */
	fprintf(to, "],\"total\":%" PRIu64 ",\"partial\":%s}\n", h.total,
		partial ? "true" : "false");
	groups_done(&h.groups);
	return h.total ? 0 : r;
}
