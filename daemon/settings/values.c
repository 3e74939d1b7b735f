/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types of settings: how a value is read, and printed so that it reads the same. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/base/mode.h"
#include "daemon/base/text.h"
#include "daemon/settings/iface_names.h"
#include "daemon/settings/settings.h"

#define VALUE_BLANKS " \t"

/* ---- numbers ------------------------------------------------------------------------------- */

static bool value_within(uint64_t n, const struct settings_bounds *b)
{
	return n >= b->least && n <= b->most;
}

/* A quantity, unlike an address, may be written with leading zeros: "1min 05s". */
static int value_take_number(const char **text, uint64_t *ret)
{
	while (**text == '0' && isdigit((unsigned char)(*text)[1]))
		(*text)++;
	return text_take_decimal(text, ret);
}

static int value_count_parse(void *ret, const char *text, const struct settings_bounds *bounds,
			     struct complaint *c)
{
	const char *at = text;
	uint64_t n;
	int r = value_take_number(&at, &n);

	if (*at || r == -EINVAL) {
		complain(c, "\"%.40s\" is no whole number", text);
		return -EINVAL;
	}
	if (r < 0 || !value_within(n, bounds))
		return -ERANGE;
	*(uint64_t *)ret = n;
	return 0;
}

static void value_count_bound(uint64_t bound, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%llu", (unsigned long long)bound);
}

static void value_count_print(const void *value, struct settings_text *ret)
{
	value_count_bound(*(const uint64_t *)value, ret);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* The units of systemd.time(7); the first name of each is the one that is printed. */
static const struct {
	uint64_t ns;
	const char *names[5];
} units[] = {
	{ 604800000000000ULL, { "w", "week", "weeks" } },
	{ 86400000000000ULL, { "d", "day", "days" } },
	{ 3600000000000ULL, { "h", "hr", "hour", "hours" } },
	{ 60000000000ULL, { "min", "m", "minute", "minutes" } },
	{ 1000000000ULL, { "s", "sec", "second", "seconds", "" } },
	{ 1000000ULL, { "ms", "msec" } },
	{ 1000ULL, { "us", "usec" } },
	{ 1ULL, { "ns", "nsec" } },
};

static int span_take_unit(const char **text, uint64_t *ret_ns)
{
	const char *at = *text + strspn(*text, VALUE_BLANKS), *name;
	size_t length = 0, i, j;

	while (isalpha((unsigned char)at[length]))
		length++;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		for (j = 0; j < ARRAY_SIZE(units[i].names) && (name = units[i].names[j]); j++) {
			if (strlen(name) != length || strncmp(at, name, length))
				continue;
			*ret_ns = units[i].ns;
			*text = at + length;
			return 0;
		}
	}
	return -EINVAL;
}

/* The digits after a point; those below a nanosecond are worth nothing. */
static int span_take_fraction(const char **text, uint64_t *ret_billionths)
{
	uint64_t worth = 100000000, sum = 0;
	const char *at = *text;

	*ret_billionths = 0;
	if (*at != '.')
		return 0;
	at++;
	if (!isdigit((unsigned char)*at))
		return -EINVAL;
	for (; isdigit((unsigned char)*at); at++, worth /= 10)
		sum += (*at - '0') * worth;
	*text = at;
	*ret_billionths = sum;
	return 0;
}

/* "90", "1.5min", "1min 30s": numbers with their units. */
int settings_parse_span(const char *text, uint64_t *ret_ns)
{
	const char *at = text + strspn(text, VALUE_BLANKS);
	uint64_t sum = 0, n = 0, fraction, unit;
	bool overflow = false;
	int r;

	do {
		r = value_take_number(&at, &n);
		overflow |= r == -ERANGE;
		if (r == -EINVAL || span_take_fraction(&at, &fraction) < 0 ||
		    span_take_unit(&at, &unit) < 0)
			return -EINVAL;
		fraction = (unsigned __int128)fraction * unit / 1000000000;
		overflow |= __builtin_mul_overflow(n, unit, &n) ||
			    __builtin_add_overflow(sum, n, &sum) ||
			    __builtin_add_overflow(sum, fraction, &sum);
		at += strspn(at, VALUE_BLANKS);
	} while (*at);
	if (overflow)
		return -ERANGE;
	*ret_ns = sum;
	return 0;
}

void settings_print_span(uint64_t ns, struct settings_text *ret)
{
	size_t used = 0, i;

	snprintf(ret->text, sizeof(ret->text), "0s");
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (ns < units[i].ns)
			continue;
		used += snprintf(ret->text + used, sizeof(ret->text) - used, "%s%llu%s",
				 used ? " " : "", (unsigned long long)(ns / units[i].ns),
				 units[i].names[0]);
		ns %= units[i].ns;
	}
}

static int value_span_parse(void *ret, const char *text, const struct settings_bounds *bounds,
			    struct complaint *c)
{
	uint64_t ns;
	int r = settings_parse_span(text, &ns);

	if (r == -EINVAL)
		complain(c, "\"%.40s\" is no time; write it as 500ms, 4s or 2min", text);
	else if (r >= 0 && !value_within(ns, bounds))
		r = -ERANGE;
	if (r >= 0)
		*(uint64_t *)ret = ns;
	return r;
}

static void value_span_print(const void *value, struct settings_text *ret)
{
	settings_print_span(*(const uint64_t *)value, ret);
}

/* The nearest power of two: 2^n up to 1.5 * 2^n. */
static int value_epoch_parse(void *ret, const char *text, const struct settings_bounds *bounds,
			     struct complaint *c)
{
	uint8_t shift = SG_EPOCH_SHIFT_MIN;
	uint64_t ns;
	int r = value_span_parse(&ns, text, bounds, c);

	if (r < 0)
		return r;
	while (shift < SG_EPOCH_SHIFT_MAX && ns >= 3ULL << (shift - 1))
		shift++;
	*(uint8_t *)ret = shift;
	return 0;
}

/* Cut to the millisecond; parsing rounds it to the same power of two. */
static void value_epoch_print(const void *value, struct settings_text *ret)
{
	settings_print_span((1ULL << *(const uint8_t *)value) / 1000000 * 1000000, ret);
}

/* ---- words --------------------------------------------------------------------------------- */

static int value_flag_parse(void *ret, const char *text, const struct settings_bounds *bounds,
			    struct complaint *c)
{
	bool yes = !strcmp(text, "yes");

	if (!yes && strcmp(text, "no")) {
		complain(c, "\"%.40s\" is neither yes nor no", text);
		return -EINVAL;
	}
	*(bool *)ret = yes;
	return 0;
}

static void value_flag_print(const void *value, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s", *(const bool *)value ? "yes" : "no");
}

static const char *const engine_names[] = {
	[SETTINGS_ENGINE_AUTO] = "auto",
	[SETTINGS_ENGINE_KERNEL] = "kernel",
};
static_assert(ARRAY_SIZE(engine_names) == SETTINGS_ENGINE_COUNT, "every engine has a name");

static int engine_parse(const char *name)
{
	return text_find(engine_names, SETTINGS_ENGINE_COUNT, name);
}

static const char *engine_name(enum settings_engine engine)
{
	return engine_names[engine];
}

/* The functions of a type whose values are the words of an enum; wrong: the complaint. */
#define VALUE_WORDS_(type, parse_word, name, wrong)                                                \
	static int value_##type##_parse(void *ret, const char *text,                               \
					const struct settings_bounds *bounds, struct complaint *c) \
	{                                                                                          \
		int value = parse_word(text);                                                      \
                                                                                                   \
		if (value < 0) {                                                                   \
			complain(c, wrong, text);                                                  \
			return value;                                                              \
		}                                                                                  \
		*(SETTINGS_C_##type *)ret = value;                                                 \
		return 0;                                                                          \
	}                                                                                          \
                                                                                                   \
	static void value_##type##_print(const void *value, struct settings_text *ret)             \
	{                                                                                          \
		snprintf(ret->text, sizeof(ret->text), "%s",                                       \
			 name(*(const SETTINGS_C_##type *)value));                                 \
	}

/* clang-format off */
VALUE_WORDS_(mode, mode_parse, mode_name, "no mode \"%.40s\"; there are off, observe, auto and always")
VALUE_WORDS_(attach_mode, attach_mode_parse, attach_mode_name,
	     "no way to attach \"%.40s\"; there are auto, native, tcx and generic")
VALUE_WORDS_(engine, engine_parse, engine_name, "no engine \"%.40s\"; there are auto and kernel")
/* clang-format on */

/* Stricter than a name may be: what separates or quotes in other dialects is a mistake here. */
static bool name_is_plain(const char *word)
{
	for (; *word; word++)
		if (*word < '!' || *word > '~' || strchr(",\"'", *word))
			return false;
	return true;
}

static int value_name_parse(void *ret, const char *word, const struct settings_bounds *bounds,
			    struct complaint *c)
{
	static const size_t size = sizeof(((struct settings_names *)NULL)->items[0]);

	if (strlen(word) >= size || !name_is_plain(word) || !iface_names_valid(word)) {
		complain(c,
			 "\"%.40s\" is no name of an interface, no pattern (eth*) and no exclusion "
			 "(!eth1); blanks stand between",
			 word);
		return -EINVAL;
	}
	strcpy(ret, word);
	return 0;
}

static int value_file_parse(void *ret, const char *word, const struct settings_bounds *bounds,
			    struct complaint *c)
{
	if (*word != '/' || strlen(word) >= sizeof(((struct settings_files *)NULL)->items[0])) {
		complain(c,
			 "\"%.40s\" is no absolute path of less than 96 bytes; blanks stand "
			 "between paths",
			 word);
		return -EINVAL;
	}
	strcpy(ret, word);
	return 0;
}

static void value_string_print(const void *value, struct settings_text *ret)
{
	snprintf(ret->text, sizeof(ret->text), "%s", (const char *)value);
}

/* ---- services ------------------------------------------------------------------------------ */

/* Cuts ":80" or "]:80" off the address; *port is NULL where there is none. */
static int service_cut_port(char **addr, char **port, const char *word, struct complaint *c)
{
	char *colon = strchr(*addr, ':'), *end;

	*port = NULL;
	if (**addr == '[') {
		end = strchr(++*addr, ']');
		if (!end || (end[1] && end[1] != ':')) {
			complain(c,
				 "\"%.60s\": write an IPv6 address and a port as [2001:db8::1]:80",
				 word);
			return -EINVAL;
		}
		*port = end[1] ? end + 2 : NULL;
		*end = '\0';
	} else if (colon && !strchr(colon + 1, ':')) {
		*port = colon + 1;
		*colon = '\0';
	}
	return 0;
}

/* An address or a prefix with a port, an address or a prefix alone, or a port alone ("*:25"). */
static int service_parse(struct settings_service *ret, const char *word, struct complaint *c)
{
	static const char forms[] = "ADDRESS:PORT, [IPV6]:PORT, ADDRESS or *:PORT, without names";
	struct addr_prefix prefix = {};
	uint64_t number = 0;
	char copy[96], *addr = copy, *port;

	if (strlen(word) >= sizeof(copy)) {
		complain(c, "\"%.40s...\" is too long for an address", word);
		return -EINVAL;
	}
	strcpy(copy, word);
	if (service_cut_port(&addr, &port, word, c) < 0)
		return -EINVAL;
	if (*addr == '*' && addr[1] == '/') {
		complain(c, "\"%.60s\": a prefix needs an address", word);
		return -EINVAL;
	}
	/* none at all, as in ":80", is every address, too */
	if (*addr && strcmp(addr, "*") &&
	    addr_prefix_parse_strict(&prefix, addr, word, forms, c) < 0)
		return -EINVAL;
	if (port && text_decimal(port, 1, 65535, &number) < 0) {
		complain(c, "\"%.60s\": the port goes from 1 to 65535", word);
		return -EINVAL;
	}
	/* member by member: values are compared as bytes, and padding is to stay zero */
	ret->prefix.addr = prefix.addr;
	ret->prefix.bits = prefix.bits;
	ret->port = number;
	return 0;
}

static void value_service_print(const void *value, struct settings_text *ret)
{
	const struct settings_service *s = value;
	struct addr_text addr = addr_prefix_text(&s->prefix);
	bool bracket = s->port && s->prefix.bits && !addr_prefix_is_v4(&s->prefix);
	char port[8] = "";

	if (s->port)
		snprintf(port, sizeof(port), ":%u", s->port);
	snprintf(ret->text, sizeof(ret->text), "%s%s%s%s", bracket ? "[" : "",
		 s->prefix.bits ? addr.text : "*", bracket ? "]" : "", port);
}

static int value_service_parse(void *ret, const char *word, const struct settings_bounds *bounds,
			       struct complaint *c)
{
	const struct settings_service *s = ret;
	int r = service_parse(ret, word, c);

	if (r >= 0 && !s->port &&
	    (!s->prefix.bits ||
	     (s->prefix.bits == ADDR_MAPPED_BITS && addr_prefix_is_v4(&s->prefix)))) {
		complain(c, "\"%.40s\" is every service; Mode=observe leaves all of them alone",
			 word);
		return -EINVAL;
	}
	return r;
}

static int value_listen_parse(void *ret, const char *text, const struct settings_bounds *bounds,
			      struct complaint *c)
{
	struct settings_service *s = ret;
	int r = service_parse(s, text, c);

	if (r < 0)
		return r;
	if (!s->port || (s->prefix.bits && s->prefix.bits != ADDR_BITS)) {
		complain(c,
			 "\"%.40s\" is nothing to listen on; write ADDRESS:PORT, [IPV6]:PORT or "
			 "*:PORT",
			 text);
		return -EINVAL;
	}
	/* "*" is [::], which takes connections of both families */
	s->prefix.bits = ADDR_BITS;
	return 0;
}

/* ---- the types ----------------------------------------------------------------------------- */

/* clang-format off */
#define VALUE_(type, parse_, print_, bound_) \
	settings_##type = { .parse = parse_, .print = print_, .print_bound = bound_, .bytes = sizeof(SETTINGS_C_##type) }
#define LIST_(type, parse_, print_, full_) \
	settings_##type = { .parse = parse_, .print = print_, .bytes = sizeof(SETTINGS_C_##type), \
			    .item_bytes = sizeof(((SETTINGS_C_##type *)NULL)->items[0]), .full = full_ }

const struct settings_type
	VALUE_(mode,        value_mode_parse,        value_mode_print,        NULL),
	VALUE_(attach_mode, value_attach_mode_parse, value_attach_mode_print, NULL),
	VALUE_(engine,      value_engine_parse,      value_engine_print,      NULL),
	VALUE_(flag,        value_flag_parse,        value_flag_print,        NULL),
	VALUE_(count,       value_count_parse,       value_count_print,       value_count_bound),
	VALUE_(span,        value_span_parse,        value_span_print,        settings_print_span),
	VALUE_(epoch,       value_epoch_parse,       value_epoch_print,       settings_print_span),
	VALUE_(listen,      value_listen_parse,      value_service_print,     NULL),
	LIST_(names,        value_name_parse,        value_string_print,      "use a glob such as eth*"),
	LIST_(services,     value_service_parse,     value_service_print,     "use prefixes or *:PORT"),
	LIST_(files,        value_file_parse,        value_string_print,      "put lists together");
/* clang-format on */
