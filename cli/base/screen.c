/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/base/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/base/text.h"
#include "synguard/cleanup.h"
#include "synguard/names.h"

/* COLUMNS overrides the terminal's own width. */
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

/* The next letter of a text. */
struct letter {
	size_t bytes; /* to print; 0: "?" instead */
	size_t taken; /* of the text */
	size_t columns;
};

static struct letter letter_of(const struct screen *s, const char *text)
{
	size_t n;
	int columns;

	if ((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f)
		return (struct letter){ 1, 1, 1 };
	if (!s->utf8 || (unsigned char)*text < 0x80)
		return (struct letter){ 0, 1, 1 };
	n = text_letter(text, strlen(text), &columns);
	return columns < 0 ? (struct letter){ 0, n, 1 } : (struct letter){ n, n, columns };
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

/* A copy without what screen_print() prints as "?"; NULL without memory. */
static char *screen_plain(const struct screen *s, const char *text)
{
	struct screen copy = *s;
	char *plain = NULL;
	size_t size;

	copy.to = open_memstream(&plain, &size);
	if (!copy.to)
		return NULL;
	screen_print(&copy, text, SIZE_MAX);
	return fclose(copy.to) ? NULL : plain;
}

void screen_wrap_item(const struct screen *s, const char *label, unsigned int indent,
		      const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *plain = NULL, *lines = NULL;
	size_t columns = s->wide ? SIZE_MAX : s->columns, printed, size;
	char *newline, begin[64] = "";
	va_list args;
	FILE *to;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	while (text && (newline = strchr(text, '\n')))
		*newline = ' ';
	plain = text ? screen_plain(s, text) : NULL;
	to = plain ? open_memstream(&lines, &size) : NULL;
	if (!to)
		return;
	snprintf(begin, sizeof(begin), "%*s", (int)indent, "");
	text_wrap(to, begin, columns, plain);
	if (fclose(to))
		return;
	/* the label in place of the first indent */
	printed = screen_print(s, label, indent);
	fputs(strlen(lines) > printed ? lines + printed : "\n", s->to);
}

/* ---- messages ------------------------------------------------------------------------------ */

static void print_message(const char *prefix, const char *format, va_list args)
{
	const struct screen s = screen_of(stderr, true);
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	fputs(prefix, stderr);
	screen_print(&s, text ?: strerror(ENOMEM), SIZE_MAX);
	putc('\n', stderr);
}

void print_error_v(const char *format, va_list args)
{
	print_message("synguard: ", format, args);
}

int print_error(int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_error_v(format, args);
	va_end(args);
	return code;
}

int out_of_memory(void)
{
	return print_error(SG_EXIT_FAILED, "out of memory");
}

void print_hint(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message("", format, args);
	va_end(args);
}
