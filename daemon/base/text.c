/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- decimal numbers ----------------------------------------------------------------------- */

static bool text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int text_take_decimal(const char **text, uint64_t *ret)
{
	const char *at = *text;
	bool overflow = false;
	uint64_t n = 0;

	if (!text_is_digit(*at) || (*at == '0' && text_is_digit(at[1])))
		return -EINVAL;
	for (; text_is_digit(*at); at++)
		overflow |= __builtin_mul_overflow(n, 10, &n) ||
			    __builtin_add_overflow(n, (uint64_t)(*at - '0'), &n);
	*text = at;
	if (overflow)
		return -ERANGE;
	*ret = n;
	return 0;
}

int text_decimal(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
	uint64_t n = 0;
	int r = text_take_decimal(&text, &n);

	if (r == -EINVAL || *text)
		return -EINVAL;
	if (r < 0 || n < least || n > most)
		return -ERANGE;
	*ret = n;
	return 0;
}

/* ---- names --------------------------------------------------------------------------------- */

int text_find(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -EINVAL;
}

/* Nothing that we have a name for is longer. */
#define NEAREST_MAX_LENGTH 32

/* Two slips. */
#define NEAREST_MAX_DISTANCE 2

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment: the rows are prefixes of a, the columns prefixes of b. */
unsigned int nearest_distance(const char *a, const char *b)
{
	unsigned int d[NEAREST_MAX_LENGTH + 1][NEAREST_MAX_LENGTH + 1];
	size_t i, j, length_a = strlen(a), length_b = strlen(b);

	if (length_a > NEAREST_MAX_LENGTH || length_b > NEAREST_MAX_LENGTH)
		return UINT_MAX;
	for (i = 0; i <= length_a; i++)
		d[i][0] = i;
	for (j = 0; j <= length_b; j++)
		d[0][j] = j;
	for (i = 1; i <= length_a; i++) {
		for (j = 1; j <= length_b; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			d[i][j] =
				least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[length_a][length_b];
}

struct nearest nearest_to(const char *wanted)
{
	return (struct nearest){ .wanted = wanted, .distance = NEAREST_MAX_DISTANCE + 1 };
}

void nearest_offer(struct nearest *n, const char *name)
{
	unsigned int distance = nearest_distance(n->wanted, name);

	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->name = name;
}

/* ---- sentences ----------------------------------------------------------------------------- */

struct text_buffer {
	char *text;
	size_t size, length;
	bool cut;
};

static void text_append(struct text_buffer *b, const char *text, size_t length)
{
	size_t room = b->size - 1 - b->length;

	if (b->cut || length > room) {
		length = b->cut ? 0 : room;
		b->cut = true;
	}
	memcpy(b->text + b->length, text, length);
	b->length += length;
}

static void text_append_field(struct text_buffer *b, const char *field, text_value_fn value,
			      void *userdata)
{
	bool colon = *field == ':';
	const char *text = value(userdata, field + colon);

	if (!text || !*text)
		return;
	if (colon)
		text_append(b, ": ", 2);
	text_append(b, text, strlen(text));
}

size_t text_fill(char *ret, size_t size, const char *sentence, text_value_fn value, void *userdata)
{
	struct text_buffer b = { ret, size };
	char field[64];
	int length;

	while (*sentence) {
		length = strcspn(sentence, "{");
		text_append(&b, sentence, length);
		sentence += length;
		if (!*sentence)
			break;
		length = strcspn(++sentence, "}");
		snprintf(field, sizeof(field), "%.*s", length, sentence);
		text_append_field(&b, field, value, userdata);
		sentence += length;
		sentence += *sentence == '}';
	}
	/* the continuation bytes of UTF-8, and what they continue */
	if (b.cut) {
		while (b.length && ((unsigned char)ret[b.length - 1] & 0xc0) == 0x80)
			b.length--;
		if (b.length && (unsigned char)ret[b.length - 1] >= 0xc0)
			b.length--;
	}
	ret[b.length] = '\0';
	return b.length;
}

size_t text_letter(const char *text, size_t bytes, int *columns)
{
	mbstate_t state = {};
	wchar_t wide;
	size_t n = mbrtowc(&wide, text, bytes, &state);

	if (!n || n > bytes) {
		*columns = -1;
		return 1;
	}
	*columns = wcwidth(wide);
	return n;
}

/* What is no letter takes one column. */
static size_t text_columns(const char *text, size_t bytes)
{
	size_t columns = 0, n;
	int width;

	for (; bytes; text += n, bytes -= n) {
		n = text_letter(text, bytes, &width);
		columns += width < 0 ? 1 : width;
	}
	return columns;
}

void text_wrap(FILE *to, const char *begin, size_t columns, const char *text)
{
	size_t left = text_columns(begin, strlen(begin)), column = 0, length, width;

	for (text += strspn(text, " \n"); *text; text += length, text += strspn(text, " \n")) {
		length = strcspn(text, " \n");
		width = text_columns(text, length);
		if (column && column + 1 + width > columns) {
			putc('\n', to);
			column = 0;
		}
		fprintf(to, "%s%.*s", column ? " " : begin, (int)length, text);
		column += (column ? 1 : left) + width;
	}
	putc('\n', to);
}

/* ---- what must not reach a terminal ---------------------------------------------------------- */

/* The bytes of the control character that the text begins with, or 0. U+0080 to U+009F are some, too. */
static size_t text_control(const char *text)
{
	unsigned char first = text[0], second = first ? text[1] : 0;

	if (first < 0x20 || first == 0x7f)
		return 1;
	return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

bool text_is_plain(const char *text, const char *allowed)
{
	for (; *text; text++)
		if (text_control(text) && !strchr(allowed, *text))
			return false;
	return true;
}

static int text_utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

bool text_is_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		int length = text_utf8_length(*s), i;

		if (!length || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return false;
		for (i = 1; i < length; i++)
			if ((s[i] & 0xc0) != 0x80)
				return false;
		s += length;
	}
	return true;
}

void text_clean(char *text)
{
	bool is_utf8 = text_is_utf8(text);
	size_t n;

	for (; *text; text++)
		if (!is_utf8 && (unsigned char)*text >= 0x80)
			*text = '?';
		else if ((n = text_control(text)))
			text = (char *)memset(text, '?', n) + n - 1;
}

void text_say(FILE *to, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		text_clean(text);
	fprintf(to, "%s\n", text ?: strerror(ENOMEM));
	free(text);
}
