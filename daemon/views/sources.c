/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/sources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "synguard/cleanup.h"

#include "daemon/base/addr.h"
#include "daemon/base/clock.h"
#include "daemon/base/groups.h"
#include "daemon/dataplane/dataplane.h"
#include "daemon/dataplane/heavy_hitters.h"
#include "daemon/net/sockdiag.h"

/* As of half-open connections: more are counted and not listed. */
#define SOURCES_ROWS_MAX 262144

struct sources {
	FILE *to;
	bool prefixes;
	struct groups half_open;
	bool partial; /* not all of them could be counted */
	struct hitters_row *rows;
	size_t count, written, more;
	uint32_t top;
	uint64_t now_ns, real_ns; /* the same moment on both clocks */
};

/* Of IPv6 the /64 is the source, in which anybody has all addresses. */
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

static bool sources_has_room(struct sources *s)
{
	if (s->written >= (s->top && s->top < SOURCES_ROWS_MAX ? s->top : SOURCES_ROWS_MAX)) {
		s->more++;
		return false;
	}
	fputs(s->written++ ? ",\n" : "", s->to);
	return true;
}

static void sources_name(struct sources *s, const struct sg_addr *key)
{
	bool is_prefix = s->prefixes || !addr_is_v4(key);

	fprintf(s->to, "{\"source\":\"%s\",",
		is_prefix ? addr_text_prefix(key).text : addr_text(key).text);
}

static void sources_time(struct sources *s, const char *key, uint64_t at_ns)
{
	uint64_t usec = (s->real_ns - (s->now_ns - at_ns)) / 1000;

	fprintf(s->to, ",\"%s\":\"%s\"", key, time_text(usec).text);
}

static void sources_write_hitter(struct sources *s, const struct hitters_row *row)
{
	if (!sources_has_room(s))
		return;
	sources_name(s, &row->is.addr);
	fprintf(s->to,
		"\"syns\":%" PRIu64 ",\"challenged\":%" PRIu64 ",\"completed\":%" PRIu64
		",\"resets\":%" PRIu64 ",\"half_open\":%" PRIu64,
		(uint64_t)row->is.syns, (uint64_t)row->is.challenged, (uint64_t)row->is.completed,
		(uint64_t)row->is.resets, row->half_open);
	sources_time(s, "first_seen", row->is.first_ns);
	sources_time(s, "last_seen", row->is.last_ns);
	fputc('}', s->to);
}

static void sources_write_quiet(struct sources *s, const struct groups_row *row)
{
	if (!sources_has_room(s))
		return;
	sources_name(s, &row->addr);
	fprintf(s->to,
		"\"syns\":null,\"challenged\":null,\"completed\":null,\"resets\":null,"
		"\"half_open\":%" PRIu64 ",\"first_seen\":null,\"last_seen\":null}",
		row->count);
}

/* The heavy hitters first; then who has half-open connections and is none. -ENOMEM. */
static int sources_write_rows(struct sources *s)
{
	_cleanup_free_ struct hitters_row **by_addr = calloc(s->count ?: 1, sizeof(*by_addr));
	_cleanup_free_ bool *told = NULL;
	size_t i, groups = groups_sort(&s->half_open);
	struct hitters_row key = {}, *sought = &key, **found;

	told = calloc(groups ?: 1, sizeof(*told));
	if (!by_addr || !told)
		return -ENOMEM;
	for (i = 0; i < s->count; i++)
		by_addr[i] = &s->rows[i];
	qsort(by_addr, s->count, sizeof(*by_addr), sources_compare);
	for (i = 0; i < groups; i++) {
		key.is.addr = s->half_open.rows[i].addr;
		found = bsearch(&sought, by_addr, s->count, sizeof(*by_addr), sources_compare);
		told[i] = found;
		if (found)
			(*found)->half_open = s->half_open.rows[i].count;
	}
	for (i = 0; i < s->count; i++)
		sources_write_hitter(s, &s->rows[i]);
	for (i = 0; i < groups; i++)
		if (!told[i])
			sources_write_quiet(s, &s->half_open.rows[i]);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* In a word, and who sends most of what nobody completes. */
static void sources_write_pattern(struct sources *s, const struct hitters_figures *f)
{
	const struct detect_sources sources = hitters_sources(f);
	double share = hitters_heaviest_share(f);

	fprintf(s->to, ",\"look\":\"%s\"", detect_pattern_name(detect_sources_pattern(&sources)));
	if (f->of_heaviest)
		fprintf(s->to, ",\"heaviest\":\"%s\",\"heaviest_share\":%u.%03u",
			f->is_prefix ? addr_text_prefix(&f->heaviest).text :
				       addr_text(&f->heaviest).text,
			(unsigned int)share, (unsigned int)(share * 1000) % 1000);
	else
		fputs(",\"heaviest\":null,\"heaviest_share\":null", s->to);
}

static int sources_write_figures(struct sources *s, struct dataplane *dp)
{
	struct hitters_figures f;
	int r;

	if (!dp) {
		fputs("\"distinct_estimate\":null,\"randomness\":null,\"syns\":null,"
		      "\"completed\":null,\"seconds\":null,\"look\":null,\"heaviest\":null,"
		      "\"heaviest_share\":null",
		      s->to);
		return 0;
	}
	r = hitters_look(dp, s->now_ns, NULL, &f);
	if (r < 0)
		return r;
	fprintf(s->to,
		"\"distinct_estimate\":%" PRIu64 ",\"randomness\":%" PRIu64 ".%03" PRIu64
		",\"syns\":%" PRIu64 ",\"completed\":%" PRIu64 ",\"seconds\":%" PRIu64,
		f.distinct, (uint64_t)f.randomness, (uint64_t)(f.randomness * 1000) % 1000, f.syns,
		f.completed, (s->now_ns - f.since_ns + 500000000) / 1000000000);
	sources_write_pattern(s, &f);
	s->count = hitters_copy(dataplane_heavy_hitters(dp), s->prefixes, s->now_ns, s->rows);
	return 0;
}

static int sources_write_all(struct sources *s, struct dataplane *dp)
{
	int r;

	fputc('{', s->to);
	r = sources_write_figures(s, dp);
	if (r < 0)
		return r;
	fputs(",\"sources\":[", s->to);
	r = sources_write_rows(s);
	fprintf(s->to, "],\"more\":%zu,\"partial\":%s}\n", s->more, s->partial ? "true" : "false");
	return r;
}

int sources_write(FILE *to, struct dataplane *dp, bool prefixes, uint32_t top)
{
	_cleanup_free_ struct hitters_row *rows = calloc(HITTERS_MAX, sizeof(*rows));
	struct sources s = { .to = to, .prefixes = prefixes, .rows = rows, .top = top };
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
	r = sources_write_all(&s, dp);
	groups_done(&s.half_open);
	return r;
}
