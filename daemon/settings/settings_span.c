/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/settings_span.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "synguard/cleanup.h"

#define SPAN_BLANKS " \t"

static bool settings_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int settings_take_number(const char **text, uint64_t *ret)
{
	const char *at = *text;
	uint64_t n = 0;
	bool much = false;

	if (!settings_is_digit(*at))
		return -EINVAL;
	for (; settings_is_digit(*at); at++)
		much |= __builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, (uint64_t)(*at - '0'), &n);
	*text = at;
	*ret = n;
	return much ? -ERANGE : 0;
}

/* The first name of a length is the one that is printed. */
static const struct {
	const char *name;
	uint64_t ns;
} settings_units[] = {
	{ "w", 604800000000000ULL },
	{ "d", 86400000000000ULL },
	{ "h", 3600000000000ULL },
	{ "min", 60000000000ULL },
	{ "s", 1000000000ULL },
	{ "ms", 1000000ULL },
	{ "us", 1000ULL },
	{ "ns", 1ULL },
	/* others that systemd.time(7) knows */
	{ "", 1000000000ULL },
	{ "sec", 1000000000ULL },
	{ "second", 1000000000ULL },
	{ "seconds", 1000000000ULL },
	{ "m", 60000000000ULL },
	{ "minute", 60000000000ULL },
	{ "minutes", 60000000000ULL },
	{ "hr", 3600000000000ULL },
	{ "hour", 3600000000000ULL },
	{ "hours", 3600000000000ULL },
	{ "day", 86400000000000ULL },
	{ "days", 86400000000000ULL },
	{ "week", 604800000000000ULL },
	{ "weeks", 604800000000000ULL },
	{ "msec", 1000000ULL },
	{ "usec", 1000ULL },
	{ "nsec", 1ULL },
};

#define SETTINGS_UNITS_PRINTED 8

static int settings_take_unit(const char **text, uint64_t *ret_ns)
{
	const char *at = *text + strspn(*text, SPAN_BLANKS);
	size_t length = 0, i;

	while ((at[length] >= 'a' && at[length] <= 'z') || (at[length] >= 'A' && at[length] <= 'Z'))
		length++;
	for (i = 0; i < ARRAY_SIZE(settings_units); i++) {
		if (strlen(settings_units[i].name) == length &&
		    !strncmp(at, settings_units[i].name, length)) {
			*ret_ns = settings_units[i].ns;
			*text = at + length;
			return 0;
		}
	}
	return -EINVAL;
}

/* The digits after a point; those below a nanosecond are worth nothing. */
static int settings_take_fraction(const char **text, uint64_t *ret_billionths)
{
	uint64_t worth = 100000000, sum = 0;
	const char *at = *text;

	*ret_billionths = 0;
	if (*at != '.')
		return 0;
	at++;
	if (!settings_is_digit(*at))
		return -EINVAL;
	for (; settings_is_digit(*at); at++, worth /= 10)
		sum += (*at - '0') * worth;
	*text = at;
	*ret_billionths = sum;
	return 0;
}

/* "90", "1.5min", "1min 30s": a number and its unit, as often as there are some. */
int settings_parse_span(const char *text, uint64_t *ret_ns)
{
	const char *at = text + strspn(text, SPAN_BLANKS);
	uint64_t sum = 0, n, fraction, unit;
	bool much = false;
	int r;

	do {
		r = settings_take_number(&at, &n);
		much |= r == -ERANGE;
		if (r == -EINVAL || settings_take_fraction(&at, &fraction) < 0 ||
		    settings_take_unit(&at, &unit) < 0)
			return -EINVAL;
		much |= __builtin_mul_overflow(n, unit, &n) ||
			__builtin_add_overflow(sum, n, &sum) ||
			__builtin_add_overflow(
				sum, (uint64_t)((unsigned __int128)fraction * unit / 1000000000),
				&sum);
		at += strspn(at, SPAN_BLANKS);
	} while (*at);
	if (much)
		return -ERANGE;
	*ret_ns = sum;
	return 0;
}

void settings_print_span(uint64_t ns, struct settings_text *ret)
{
	size_t used = 0, i;

	snprintf(ret->text, sizeof(ret->text), "0s");
	for (i = 0; i < SETTINGS_UNITS_PRINTED; i++) {
		uint64_t unit = settings_units[i].ns;

		if (ns < unit)
			continue;
		used += snprintf(ret->text + used, sizeof(ret->text) - used, "%s%llu%s",
				 used ? " " : "", (unsigned long long)(ns / unit),
				 settings_units[i].name);
		ns %= unit;
	}
}
