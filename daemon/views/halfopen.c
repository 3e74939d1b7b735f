/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/net/sockdiag.h"
#include "daemon/views/answered.h"
#include "daemon/views/groups.h"
#include "daemon/views/json.h"

#define HALFOPEN_TIMEOUT_MS	1000
#define HALFOPEN_TIMEOUT_MAX_MS 120000 /* TCP_RTO_MAX */

struct halfopen {
	struct json_writer json;
	enum halfopen_by by;
	__be16 port;
	uint64_t total, answered;
	struct groups groups;
	struct answered asked;
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

/* To a tenth of a second. */
static void halfopen_put_age(struct halfopen *h, const char *key, uint64_t age_ms)
{
	json_put_milli(&h->json, key, age_ms - age_ms % 100);
}

static void halfopen_list(struct halfopen *h, const struct sockdiag_socket *s, bool answered,
			  uint64_t age_ms)
{
	struct json_writer *j = &h->json;

	if (h->total > VIEW_ROWS_MAX)
		return;
	json_open(j, NULL, '{');
	json_put_text(j, "source", addr_text(&s->peer).text);
	json_put_count(j, "source_port", ntohs(s->peer_port));
	json_put_text(j, "address", addr_text(&s->addr).text);
	json_put_count(j, "port", ntohs(s->port));
	halfopen_put_age(h, "age_seconds", age_ms);
	json_put_count(j, "retransmits", s->retransmits);
	json_put_flag(j, "answered", answered);
	json_close(j, '}');
}

static void halfopen_count(void *userdata, const struct sockdiag_socket *s, bool answered,
			   uint64_t age_ms)
{
	struct halfopen *h = userdata;
	struct sg_addr network;
	int r = 0;

	h->total++;
	h->answered += answered;
	switch (h->by) {
	case HALFOPEN_BY_NONE:
		halfopen_list(h, s, answered, age_ms);
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

static void halfopen_on_socket(void *userdata, const struct sockdiag_socket *s)
{
	struct halfopen *h = userdata;

	if (!h->port || s->port == h->port)
		answered_add(&h->asked, s);
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

static void halfopen_put_groups(struct halfopen *h, size_t count)
{
	size_t i;

	for (i = 0; i < count && i < VIEW_ROWS_MAX; i++) {
		const struct groups_row *row = &h->groups.rows[i];

		json_open(&h->json, NULL, '{');
		json_put_text(&h->json, "key", halfopen_key(h, row).text);
		json_put_count(&h->json, "count", row->count);
		halfopen_put_age(h, "oldest_seconds", row->oldest_ms);
		json_close(&h->json, '}');
	}
}

int halfopen_write(FILE *to, enum halfopen_by by, __be16 port, struct dataplane_requests *requests)
{
	struct halfopen h = { .json.to = to, .by = by, .port = port };
	bool partial = false;
	uint64_t salt[2];
	size_t rows;
	int r;

	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return -EIO;
	h.asked = (struct answered){ requests, halfopen_count, &h };
	groups_init(&h.groups, salt[0], salt[1]);
	json_open(&h.json, NULL, '{');
	json_open(&h.json, by == HALFOPEN_BY_NONE ? "entries" : "groups", '[');
	r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, halfopen_on_socket, &h, &partial);
	answered_end(&h.asked);
	rows = groups_sort(&h.groups);
	if (by == HALFOPEN_BY_NONE)
		rows = h.total;
	else
		halfopen_put_groups(&h, rows);
	json_close(&h.json, ']');
	/* rows that are missing make it partial, too; nothing at all is a failure */
	if (r < 0 && h.total)
		h.error = r;
	/* after the rows, which are written as they come */
	json_put_count(&h.json, "total", h.total);
	json_put_count(&h.json, "answered", h.answered);
	json_put_flag(&h.json, "partial", partial || h.error < 0 || rows > VIEW_ROWS_MAX);
	json_close(&h.json, '}');
	fputc('\n', to);
	groups_done(&h.groups);
	return h.total ? 0 : r;
}
