/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/dataplane/counters.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/net/sockdiag.h"
#include "daemon/views/groups.h"
#include "daemon/views/json.h"

struct sources {
	struct json_writer json;
	bool prefixes;
	struct groups half_open;
	bool partial; /* not all of them could be counted */
	struct hitters_row *rows;
	size_t count, written, more; /* more: not written */
	size_t max;
	uint64_t now_ns, real_ns; /* the same moment on both clocks */
};

/* Of IPv6 the /64 is the source: a host has all addresses of it. */
static struct sg_addr sources_key(const struct sources *s, const struct sg_addr *a)
{
	return s->prefixes || !addr_is_v4(a) ? addr_network(a) : *a;
}

static void sources_on_socket(void *userdata, const struct sockdiag_socket *socket)
{
	struct sources *s = userdata;
	struct sg_addr key = sources_key(s, &socket->peer);

	if (groups_add(&s->half_open, &key, 0, 0) < 0)
		s->partial = true;
}

static int sources_compare(const void *a, const void *b)
{
	const struct hitters_row *const *x = a, *const *y = b;

	return memcmp(&(*x)->is.addr, &(*y)->is.addr, sizeof((*x)->is.addr));
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Opens the row, with its source; false: there is no room for it. */
static bool sources_open_row(struct sources *s, const struct sg_addr *key)
{
	bool is_prefix = s->prefixes || !addr_is_v4(key);

	if (s->written >= s->max) {
		s->more++;
		return false;
	}
	s->written++;
	json_open(&s->json, NULL, '{');
	json_put_text(&s->json, "source",
		      is_prefix ? addr_text_prefix(key).text : addr_text(key).text);
	return true;
}

static void sources_put_time(struct sources *s, const char *key, uint64_t at_ns)
{
	uint64_t usec = (s->real_ns - (s->now_ns - at_ns)) / 1000;

	json_put_text(&s->json, key, time_text(usec).text);
}

static void sources_put_hitter(struct sources *s, const struct hitters_row *row)
{
	struct json_writer *j = &s->json;

	if (!sources_open_row(s, &row->is.addr))
		return;
	json_put_count(j, "syns", row->is.syns);
	json_put_count(j, "challenged", row->is.challenged);
	json_put_count(j, "completed", row->is.completed);
	json_put_count(j, "resets", row->is.resets);
	json_put_count(j, "half_open", row->half_open);
	json_put_flag(j, "deny", hitters_deny(&row->is) == DETECT_DENY_SILENT);
	json_put_text(j, "deny_reason", detect_deny_name(hitters_deny(&row->is)));
	sources_put_time(s, "first_seen", row->is.first_ns);
	sources_put_time(s, "last_seen", row->is.last_ns);
	json_close(j, '}');
}

/* A source of half-open connections that is no heavy hitter. */
static void sources_put_other(struct sources *s, const struct groups_row *row)
{
	static const char *const unknown[] = { "syns",	     "challenged", "completed", "resets",
					       "first_seen", "last_seen",  NULL };
	const enum detect_deny deny = DETECT_DENY_UNCLEAR;

	if (!sources_open_row(s, &row->addr))
		return;
	json_put_nulls(&s->json, unknown);
	json_put_count(&s->json, "half_open", row->count);
	json_put_flag(&s->json, "deny", deny == DETECT_DENY_SILENT);
	json_put_text(&s->json, "deny_reason", detect_deny_name(deny));
	json_close(&s->json, '}');
}

/* The heavy hitters first, then the other sources of half-open connections. -ENOMEM. */
static int sources_put_rows(struct sources *s)
{
	_cleanup_free_ struct hitters_row **by_addr = calloc(s->count ?: 1, sizeof(*by_addr));
	_cleanup_free_ bool *is_hitter = NULL;
	size_t i, groups = groups_sort(&s->half_open);
	struct hitters_row key = {}, *sought = &key, **found;

	is_hitter = calloc(groups ?: 1, sizeof(*is_hitter));
	if (!by_addr || !is_hitter)
		return -ENOMEM;
	for (i = 0; i < s->count; i++)
		by_addr[i] = &s->rows[i];
	qsort(by_addr, s->count, sizeof(*by_addr), sources_compare);
	for (i = 0; i < groups; i++) {
		key.is.addr = s->half_open.rows[i].addr;
		found = bsearch(&sought, by_addr, s->count, sizeof(*by_addr), sources_compare);
		is_hitter[i] = found;
		if (found)
			(*found)->half_open = s->half_open.rows[i].count;
	}
	for (i = 0; i < s->count; i++)
		sources_put_hitter(s, &s->rows[i]);
	for (i = 0; i < groups; i++)
		if (!is_hitter[i])
			sources_put_other(s, &s->half_open.rows[i]);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static int sources_put_figures(struct sources *s, struct dataplane *dp)
{
	static const char *const keys[] = { "distinct_estimate",
					    "randomness",
					    "syns",
					    "completed",
					    "seconds",
					    "pattern",
					    "heaviest",
					    "heaviest_share",
					    "heaviest_completed",
					    "heaviest_resets",
					    "heaviest_deny",
					    "heaviest_deny_reason",
					    NULL };
	struct json_writer *j = &s->json;
	struct detect_sources sources;
	struct hitters_figures f;
	int r;

	if (!dp) {
		json_put_nulls(j, keys);
		return 0;
	}
	r = hitters_sample(dp, s->now_ns, NULL, &f);
	if (r < 0)
		return r;
	sources = hitters_sources(&f);
	json_put_count(j, keys[0], f.distinct);
	json_put_milli(j, keys[1], f.randomness * 1000);
	json_put_count(j, keys[2], f.syns);
	json_put_count(j, keys[3], f.completed);
	json_put_count(j, keys[4], (s->now_ns - f.since_ns + 500000000) / 1000000000);
	json_put_text(j, keys[5], detect_pattern_name(detect_sources_pattern(&sources)));
	if (f.of_heaviest) {
		const struct addr_prefix heaviest = { f.heaviest.addr, f.heaviest_bits };

		json_put_text(j, keys[6], addr_prefix_text(&heaviest).text);
		json_put_milli(j, keys[7], hitters_heaviest_share(&f) * 1000);
		json_put_count(j, keys[8], f.heaviest.completed);
		json_put_count(j, keys[9], f.heaviest.resets);
		json_put_flag(j, keys[10], hitters_deny(&f.heaviest) == DETECT_DENY_SILENT);
		json_put_text(j, keys[11], detect_deny_name(hitters_deny(&f.heaviest)));
	} else {
		json_put_nulls(j, &keys[6]);
	}
	s->count = hitters_copy(dataplane_heavy_hitters(dp), s->prefixes, s->now_ns, s->rows);
	return 0;
}

static int sources_put_all(struct sources *s, struct dataplane *dp)
{
	int r;

	json_open(&s->json, NULL, '{');
	r = sources_put_figures(s, dp);
	if (r < 0)
		return r;
	json_open(&s->json, "sources", '[');
	r = sources_put_rows(s);
	json_close(&s->json, ']');
	json_put_count(&s->json, "more", s->more);
	json_put_flag(&s->json, "partial", s->partial);
	json_close(&s->json, '}');
	fputc('\n', s->json.to);
	return r;
}

int sources_write(FILE *to, struct dataplane *dp, bool prefixes, uint32_t top)
{
	_cleanup_free_ struct hitters_row *rows = calloc(HITTERS_MAX, sizeof(*rows));
	struct sources s = {
		.json.to = to,
		.prefixes = prefixes,
		.rows = rows,
		.max = top && top < VIEW_ROWS_MAX ? top : VIEW_ROWS_MAX,
	};
	bool interrupted = false;
	uint64_t salt[2];
	int r;

	if (!rows)
		return -ENOMEM;
	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return -EIO;
	groups_init(&s.half_open, salt[0], salt[1]);
	r = sockdiag_walk_states(1 << SOCKDIAG_SYN_RECV, sources_on_socket, &s, &interrupted);
	s.partial = s.partial || interrupted || r < 0;
	s.now_ns = clock_now_ns();
	s.real_ns = clock_ns(CLOCK_REALTIME);
	r = sources_put_all(&s, dp);
	groups_done(&s.half_open);
	return r;
}
