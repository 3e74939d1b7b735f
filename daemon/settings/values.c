/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/settings_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/settings/iface_names.h"
#include "daemon/settings/settings_service.h"
#include "daemon/settings/settings_span.h"

#define SETTINGS_BLANKS " \t"

/* ---- yes or no ----------------------------------------------------------------------------- */

static int settings_flag_parse(void *value, const char *text, const struct settings_bounds *bounds,
			       struct complaint *c)
{
	bool yes = !strcmp(text, "yes");

	if (!yes && strcmp(text, "no")) {
		complain(c, "\"%.40s\" is neither yes nor no", text);
		return -EINVAL;
	}
	*(bool *)value = yes;
	return 0;
}

static void settings_flag_print(const void *value, size_t item, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s", *(const bool *)value ? "yes" : "no");
}

/* ---- numbers ------------------------------------------------------------------------------- */

static bool settings_within(uint64_t n, const struct settings_bounds *b)
{
	return n >= b->least && n <= b->most;
}

static int settings_count_parse(void *value, const char *text, const struct settings_bounds *bounds,
				struct complaint *c)
{
	const char *at = text;
	uint64_t n;
	int r = settings_take_number(&at, &n);

	if (*at || r == -EINVAL) {
		complain(c, "\"%.40s\" is no whole number", text);
		return -EINVAL;
	}
	if (r < 0 || !settings_within(n, bounds))
		return -ERANGE;
	*(uint64_t *)value = n;
	return 0;
}

static void settings_count_bound(uint64_t bound, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%llu", (unsigned long long)bound);
}

static void settings_count_print(const void *value, size_t item, struct settings_text *ret)
{
	settings_count_bound(*(const uint64_t *)value, ret);
}

/* ---- time ---------------------------------------------------------------------------------- */

static int settings_span_within(const char *text, const struct settings_bounds *bounds,
				uint64_t *ret_ns, struct complaint *c)
{
	int r = settings_parse_span(text, ret_ns);

	if (r == -EINVAL)
		complain(c, "\"%.40s\" is no time; write it as 500ms, 4s or 2min", text);
	return r < 0 ? r : settings_within(*ret_ns, bounds) ? 0 : -ERANGE;
}

static int settings_span_parse(void *value, const char *text, const struct settings_bounds *bounds,
			       struct complaint *c)
{
	uint64_t ns;
	int r = settings_span_within(text, bounds, &ns, c);

	if (r >= 0)
		*(uint64_t *)value = ns;
	return r;
}

static void settings_span_print(const void *value, size_t item, struct settings_text *ret)
{
	settings_print_span(*(const uint64_t *)value, ret);
}

/* The nearest power of two: 2^n up to 1.5 * 2^n. */
static int settings_epoch_parse(void *value, const char *text, const struct settings_bounds *bounds,
				struct complaint *c)
{
	uint8_t shift = SG_EPOCH_SHIFT_MIN;
	uint64_t ns;
	int r = settings_span_within(text, bounds, &ns, c);

	if (r < 0)
		return r;
	while (shift < SG_EPOCH_SHIFT_MAX && ns >= 3ULL << (shift - 1))
		shift++;
	*(uint8_t *)value = shift;
	return 0;
}

/* To the millisecond, which the nearest power of two makes good. */
static void settings_epoch_print(const void *value, size_t item, struct settings_text *ret)
{
	settings_print_span((1ULL << *(const uint8_t *)value) / 1000000 * 1000000, ret);
}

/* ---- words --------------------------------------------------------------------------------- */

static int settings_mode_parse(void *value, const char *text, const struct settings_bounds *bounds,
			       struct complaint *c)
{
	int mode = mode_parse(text);

	if (mode < 0) {
		complain(c, "no mode \"%.40s\"; there are off, observe, auto and always", text);
		return -EINVAL;
	}
	*(enum sg_mode *)value = mode;
	return 0;
}

static void settings_mode_print(const void *value, size_t item, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s", mode_name(*(const enum sg_mode *)value));
}

static int settings_attach_mode_parse(void *value, const char *text,
				      const struct settings_bounds *bounds, struct complaint *c)
{
	int way = attach_mode_parse(text);

	if (way < 0) {
		complain(c, "no way to attach \"%.40s\"; there are auto, native, tcx and generic",
			 text);
		return -EINVAL;
	}
	*(enum attach_mode *)value = way;
	return 0;
}

static void settings_attach_mode_print(const void *value, size_t item, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s",
		 attach_mode_name(*(const enum attach_mode *)value));
}

static int settings_engine_parse(void *value, const char *text,
				 const struct settings_bounds *bounds, struct complaint *c)
{
	if (strcmp(text, "auto") && strcmp(text, "kernel")) {
		complain(c, "no engine \"%.40s\" to ask for; there are auto and kernel", text);
		return -EINVAL;
	}
	*(enum settings_engine *)value = strcmp(text, "auto") ? SETTINGS_ENGINE_KERNEL :
								SETTINGS_ENGINE_AUTO;
	return 0;
}

static void settings_engine_print(const void *value, size_t item, struct settings_text *ret)
{
	const enum settings_engine *engine = value;

	snprintf(ret->text, sizeof(ret->text), "%s",
		 *engine == SETTINGS_ENGINE_KERNEL ? "kernel" : "auto");
}

/*
 * Hands each word of a list to take(), which may see what is there already. On a failure the list
 * is as it was: *count is the list's first member.
 */
static int settings_each_word(void *list, const char *text,
			      int (*take)(void *list, const char *word, struct complaint *c),
			      struct complaint *c)
{
	size_t before = *(size_t *)list, length;
	char word[96];
	int r = 0;

	for (text += strspn(text, SETTINGS_BLANKS); *text && r >= 0;
	     text += strspn(text, SETTINGS_BLANKS)) {
		length = strcspn(text, SETTINGS_BLANKS);
		if (length >= sizeof(word)) {
			complain(c, "\"%.40s...\" is too long", text);
			r = -EINVAL;
			break;
		}
		memcpy(word, text, length);
		word[length] = '\0';
		text += length;
		r = take(list, word, c);
	}
	if (r < 0)
		*(size_t *)list = before;
	return r;
}

/* Stricter than a name may be: what separates or quotes in other dialects is a mistake here. */
static bool settings_is_plain(const char *word)
{
	for (; *word; word++)
		if (*word < '!' || *word > '~' || strchr(",\"'", *word))
			return false;
	return true;
}

static int settings_names_take(void *list, const char *word, struct complaint *c)
{
	struct settings_names *n = list;
	size_t i;

	if (strlen(word) >= sizeof(n->items[0]) || !settings_is_plain(word) ||
	    !iface_names_valid(word)) {
		complain(c,
			 "\"%.40s\" is no name of an interface, no pattern (eth*) and no exclusion "
			 "(!eth1); blanks stand between",
			 word);
		return -EINVAL;
	}
	for (i = 0; i < n->count; i++)
		if (!strcmp(n->items[i], word))
			return 0;
	if (n->count == SETTINGS_NAMES_MAX) {
		complain(c, "more than %d names; use a glob such as eth*", SETTINGS_NAMES_MAX);
		return -EINVAL;
	}
	memset(n->items[n->count], 0, sizeof(n->items[0]));
	strcpy(n->items[n->count++], word);
	return 0;
}

/* What a failed attempt wrote behind the end is removed, because values are compared as bytes. */
static int settings_names_parse(void *value, const char *text, const struct settings_bounds *bounds,
				struct complaint *c)
{
	struct settings_names *n = value;
	int r = settings_each_word(n, text, settings_names_take, c);

	if (r < 0)
		memset(n->items[n->count], 0,
		       (SETTINGS_NAMES_MAX - n->count) * sizeof(n->items[0]));
	return r;
}

static void settings_names_print(const void *value, size_t item, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s",
		 ((const struct settings_names *)value)->items[item]);
}

static size_t settings_list_count(const void *value)
{
	return *(const size_t *)value; /* the first member of either list */
}

/* ---- services ------------------------------------------------------------------------------ */

static int settings_services_take(void *list, const char *word, struct complaint *c)
{
	struct settings_services *l = list;
	struct settings_service s;
	size_t i;
	int r = settings_service_parse(&s, word, c);

	if (r < 0)
		return r;
	if (settings_service_is_all(&s)) {
		complain(c, "\"%.40s\" is every service; Mode=observe leaves all of them alone",
			 word);
		return -EINVAL;
	}
	for (i = 0; i < l->count; i++)
		if (!memcmp(&l->items[i], &s, sizeof(s)))
			return 0;
	if (l->count == SETTINGS_SERVICES_MAX) {
		complain(c, "more than %d services; use prefixes or *:PORT", SETTINGS_SERVICES_MAX);
		return -EINVAL;
	}
	memcpy(&l->items[l->count++], &s, sizeof(s));
	return 0;
}

static int settings_services_parse(void *value, const char *text,
				   const struct settings_bounds *bounds, struct complaint *c)
{
	struct settings_services *l = value;
	int r = settings_each_word(l, text, settings_services_take, c);

	if (r < 0)
		memset(&l->items[l->count], 0,
		       (SETTINGS_SERVICES_MAX - l->count) * sizeof(l->items[0]));
	return r;
}

static void settings_services_print(const void *value, size_t item, struct settings_text *ret)
{
	settings_service_print(&((const struct settings_services *)value)->items[item], ret);
}

/* ---- files --------------------------------------------------------------------------------- */

static int settings_files_take(void *list, const char *word, struct complaint *c)
{
	struct settings_files *l = list;
	size_t i;

	if (*word != '/') {
		complain(c, "\"%.40s\" is no absolute path; blanks stand between paths", word);
		return -EINVAL;
	}
	for (i = 0; i < l->count; i++)
		if (!strcmp(l->items[i], word))
			return 0;
	if (l->count == SETTINGS_FILES_MAX) {
		complain(c, "more than %d files", SETTINGS_FILES_MAX);
		return -EINVAL;
	}
	memset(l->items[l->count], 0, sizeof(l->items[0]));
	strcpy(l->items[l->count++], word); /* a word is shorter than 96 bytes */
	return 0;
}

static int settings_files_parse(void *value, const char *text, const struct settings_bounds *bounds,
				struct complaint *c)
{
	struct settings_files *l = value;
	int r = settings_each_word(l, text, settings_files_take, c);

	if (r < 0)
		memset(l->items[l->count], 0,
		       (SETTINGS_FILES_MAX - l->count) * sizeof(l->items[0]));
	return r;
}

static void settings_files_print(const void *value, size_t item, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s",
		 ((const struct settings_files *)value)->items[item]);
}

/* ---- a place to listen ------------------------------------------------------------------------ */

static int settings_listen_parse(void *value, const char *text,
				 const struct settings_bounds *bounds, struct complaint *c)
{
	struct settings_service s;
	int r = settings_service_parse(&s, text, c);

	if (r < 0)
		return r;
	if (!settings_service_is_place(&s)) {
		complain(c,
			 "\"%.40s\" is nothing to listen on; write ADDRESS:PORT, [IPV6]:PORT or "
			 "*:PORT",
			 text);
		return -EINVAL;
	}
	/* "*" is [::] here, which has both families */
	s.prefix_bits = 8 * sizeof(s.addr);
	memcpy(value, &s, sizeof(s));
	return 0;
}

static void settings_listen_print(const void *value, size_t item, struct settings_text *ret)
{
	settings_service_print(value, ret);
}

/* ---- the types ----------------------------------------------------------------------------- */

/* clang-format off */
const struct settings_type
	settings_mode     = { settings_mode_parse, settings_mode_print, NULL, NULL, sizeof(SETTINGS_C_mode) },
	settings_attach_mode      = { settings_attach_mode_parse, settings_attach_mode_print, NULL, NULL, sizeof(SETTINGS_C_attach_mode) },
	settings_engine   = { settings_engine_parse, settings_engine_print, NULL, NULL, sizeof(SETTINGS_C_engine) },
	settings_flag     = { settings_flag_parse, settings_flag_print, NULL, NULL, sizeof(SETTINGS_C_flag) },
	settings_count    = { settings_count_parse, settings_count_print, NULL, settings_count_bound, sizeof(SETTINGS_C_count) },
	settings_span     = { settings_span_parse, settings_span_print, NULL, settings_print_span, sizeof(SETTINGS_C_span) },
	settings_epoch    = { settings_epoch_parse, settings_epoch_print, NULL, settings_print_span, sizeof(SETTINGS_C_epoch) },
	settings_names    = { settings_names_parse, settings_names_print, settings_list_count, NULL, sizeof(SETTINGS_C_names) },
	settings_services = { settings_services_parse, settings_services_print, settings_list_count, NULL, sizeof(SETTINGS_C_services) },
	settings_files    = { settings_files_parse, settings_files_print, settings_list_count, NULL, sizeof(SETTINGS_C_files) },
	settings_listen   = { settings_listen_parse, settings_listen_print, NULL, NULL, sizeof(SETTINGS_C_listen) };
/* clang-format on */
