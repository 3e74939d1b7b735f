/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/screen.h"

#include <assert.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "synguard/cleanup.h"

/* COLUMNS is what somebody asked for, before what the terminal has. */
static unsigned int screen_columns(FILE *to)
{
	const char *asked = getenv("COLUMNS");
	long columns = asked ? strtol(asked, NULL, 10) : 0;
	struct winsize size;

	if (columns > 0 && columns <= 10000)
		return columns;
	if (!ioctl(fileno(to), TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return SCREEN_COLUMNS;
}

static bool screen_has_colours(FILE *to)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	/* https://no-color.org: set and not empty */
	return isatty(fileno(to)) && !(no && *no) && term && *term && strcmp(term, "dumb");
}

struct screen screen_of(FILE *to, bool wide)
{
	return (struct screen){
		.to = to,
		.columns = screen_columns(to),
		.wide = wide,
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.colour = screen_has_colours(to),
	};
}

const char *screen_colour(const struct screen *s, enum screen_colour colour)
{
	static const char *const sequences[] = {
		[SCREEN_PLAIN] = "\033[0m",
		[SCREEN_GOOD] = "\033[32m",
		[SCREEN_WARN] = "\033[33m",
		[SCREEN_BAD] = "\033[1;31m",
	};

	return s->colour ? sequences[colour] : "";
}

struct screen_number screen_number(const struct screen *s, uint64_t n)
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1;
	struct screen_number number;
	int i = -1;

	if (s->wide || n < 10000) {
		snprintf(number.text, sizeof(number.text), "%llu", (unsigned long long)n);
		return number;
	}
	for (; n / unit >= 1000; i++)
		unit *= 1000;
	/* three digits of it */
	if (n / unit >= 100)
		snprintf(number.text, sizeof(number.text), "%u%c", (unsigned int)(n / unit),
			 units[i]);
	else if (n / unit >= 10)
		snprintf(number.text, sizeof(number.text), "%u.%u%c", (unsigned int)(n / unit),
			 (unsigned int)(n % unit / (unit / 10)), units[i]);
	else
		snprintf(number.text, sizeof(number.text), "%u.%02u%c", (unsigned int)(n / unit),
			 (unsigned int)(n % unit / (unit / 100)), units[i]);
	return number;
}

/* The next letter: its bytes and columns. What must not be printed has 0 bytes of its own, but takes
 * one of the text and one column. */
struct letter {
	size_t bytes;
	size_t taken;
	size_t columns;
};

static struct letter letter_of(const struct screen *s, const char *text)
{
	mbstate_t state = {};
	wchar_t wide;
	size_t n;
	int columns;

	if ((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f)
		return (struct letter){ 1, 1, 1 };
	if (!s->utf8 || (unsigned char)*text < 0x80)
		return (struct letter){ 0, 1, 1 };
	n = mbrtowc(&wide, text, strlen(text), &state);
	if (n == (size_t)-1 || n == (size_t)-2 || !n)
		return (struct letter){ 0, 1, 1 };
	columns = wcwidth(wide);
	if (columns < 0)
		return (struct letter){ 0, n, 1 };
	return (struct letter){ n, n, columns };
}

size_t screen_width(const struct screen *s, const char *text)
{
	size_t width = 0;

	while (*text) {
		struct letter letter = letter_of(s, text);

		width += letter.columns;
		text += letter.taken;
	}
	return width;
}

size_t screen_print(const struct screen *s, const char *text, size_t columns)
{
	size_t printed = 0;

	while (*text) {
		struct letter letter = letter_of(s, text);

		if (printed + letter.columns > columns)
			break;
		if (letter.bytes)
			fwrite(text, 1, letter.bytes, s->to);
		else
			putc('?', s->to);
		printed += letter.columns;
		text += letter.taken;
	}
	return printed;
}

static void screen_wrap_text(const struct screen *s, unsigned int indent, char *text)
{
	char *state, *word = strtok_r(text, " \n", &state);
	size_t column = 0;

	for (; word; word = strtok_r(NULL, " \n", &state)) {
		size_t width = screen_width(s, word);

		if (column && !s->wide && column + 1 + width > s->columns) {
			putc('\n', s->to);
			column = 0;
		}
		column += fprintf(s->to, "%*s", column ? 1 : indent, "");
		column += screen_print(s, word, SIZE_MAX);
	}
	putc('\n', s->to);
}

void screen_wrap(const struct screen *s, unsigned int indent, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		text = NULL;
	else
		screen_wrap_text(s, indent, text);
}
