/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/config_file.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "synguard/cleanup.h"

/* Its buffer has INI_MAX_LINE bytes, of which it wants three for the end of a line. */
#define CONFIG_LINE_MAX 197

/* Its buffer for a section's name has 50 bytes, and the name is cut to fit. */
#define CONFIG_SECTION_MAX 49

static_assert(CONFIG_LINE_MAX + 3 <= INI_MAX_LINE, "libinih takes a line of ours in one piece");

struct config_guard {
	const char *at, *end;
	unsigned int line; /* of what was handed on last, from 1 */
	bool skipping;	   /* until the next section, which this one's header has spoilt */
	char section[CONFIG_SECTION_MAX + 1];
	char copy[CONFIG_LINE_MAX + 1];
	const struct config_lines *lines;
};

static bool config_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What a byte that begins a sequence of UTF-8 says about it (RFC 3629); 0: it cannot begin one. */
static int config_utf8_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return 2;
	if (s[0] >= 0xe0 && s[0] <= 0xef)
		return 3;
	return s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
}

static bool config_is_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		int length = config_utf8_length(s), i;

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

static bool config_has_control(const char *text)
{
	for (; *text; text++)
		if ((*text >= 0 && *text < ' ' && *text != '\t') || *text == 0x7f)
			return true;
	return false;
}

/* libinih takes off all that stands behind a blank and a ";"; "#" looks as if it did. */
static bool config_has_comment_behind(const char *text)
{
	for (; *text; text++)
		if (config_is_blank(text[0]) && (text[1] == ';' || text[1] == '#'))
			return true;
	return false;
}

static const char *config_refuse_section(const char *text)
{
	const char *end = strchr(text, ']');
	size_t length = end ? end - text - 1 : 0, i;

	if (!end)
		return "a section's header ends in \"]\"";
	if (end[1])
		return "nothing may follow a section's header";
	if (length > CONFIG_SECTION_MAX)
		return "the section's name is too long";
	for (i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[1 + i]))
			return "a section's name has letters and digits only";
	return length ? NULL : "the section has no name";
}

static const char *config_refuse_assignment(const struct config_guard *g)
{
	const char *equals = strchr(g->copy, '=');
	const char *colon = strchr(g->copy, ':');

	if (config_is_blank(g->copy[0]))
		return "the line is indented; begin it at its first column, a value does not go on "
		       "in the next line";
	if (colon && (!equals || colon < equals))
		return "write Key=value, with \"=\" and not with \":\"";
	if (!equals)
		return "neither [Section] nor Key=value nor a comment";
	if (equals == g->copy)
		return "there is no key in front of \"=\"";
	if (!g->section[0])
		return "the line stands in front of any [Section]";
	return NULL;
}

/* What is wrong with the line in g->copy, or NULL. */
static const char *config_refuse_line(const struct config_guard *g)
{
	if (!config_is_utf8(g->copy))
		return "the line is not UTF-8; save the file as UTF-8";
	if (config_has_control(g->copy))
		return "the line has a control character in it";
	if (config_has_comment_behind(g->copy))
		return "a comment has to be a line of its own";
	if (g->copy[0] == '[')
		return config_refuse_section(g->copy);
	return config_refuse_assignment(g);
}

/* A section begins, or what was meant as one: then whose lines follow is not known. */
static bool config_begin_section(struct config_guard *g, const char *why)
{
	size_t length = strlen(g->copy);

	if (why) {
		g->section[0] = '\0';
		g->skipping = true;
		return false;
	}
	memcpy(g->section, g->copy + 1, length - 2);
	g->section[length - 2] = '\0';
	g->skipping = !g->lines->take(g->lines->userdata, g->line, g->section, NULL, NULL);
	return true;
}

/* Whether the line in g->copy is one for libinih. */
static bool config_pass_line(struct config_guard *g)
{
	const char *start = g->copy + strspn(g->copy, " \t");
	bool header = *start == '[';
	const char *why;

	/* comments are ours: whatever stands in them */
	if (!*start || *start == '#' || *start == ';')
		return false;
	if (g->skipping && !header)
		return false;
	why = config_refuse_line(g);
	if (why)
		g->lines->refuse(g->lines->userdata, g->line, g->section, why);
	return header ? config_begin_section(g, why) : !why;
}

/* Copies the line from `start` without the blanks at its end; what is wrong with it, or NULL. */
static const char *config_copy_line(struct config_guard *g, const char *start, size_t length)
{
	bool comment = start[strspn(start, " \t")] == '#' || start[strspn(start, " \t")] == ';';

	while (length && (config_is_blank(start[length - 1]) || start[length - 1] == '\r'))
		length--;
	g->copy[0] = '\0';
	if (memchr(start, '\0', length))
		return "the line has a NUL byte in it; this is no text";
	if (comment)
		return NULL;
	if (length > CONFIG_LINE_MAX)
		return "the line is longer than 197 bytes; repeat the key to go on with a list";
	memcpy(g->copy, start, length);
	g->copy[length] = '\0';
	return NULL;
}

/*
 * As fgets(): a line for libinih, which an empty one stands for where it is none. There is a NUL
 * behind the text.
 */
static char *config_next_line(char *buffer, int size, void *stream)
{
	struct config_guard *g = stream;
	const char *start = g->at, *newline, *why;

	if (start == g->end)
		return NULL;
	newline = memchr(start, '\n', g->end - start);
	g->at = newline ? newline + 1 : g->end;
	g->line++;
	why = config_copy_line(g, start, (newline ?: g->end) - start);
	if (why) {
		g->lines->refuse(g->lines->userdata, g->line, g->section, why);
		/* it may have been a header */
		if (start[strspn(start, " \t")] == '[')
			config_begin_section(g, why);
	}
	snprintf(buffer, size, "%s\n", !why && config_pass_line(g) ? g->copy : "");
	return buffer;
}

static int config_on_value(void *userdata, const char *section, const char *key, const char *value)
{
	const struct config_guard *g = userdata;

	g->lines->take(g->lines->userdata, g->line, section, key, value);
	return 1;
}

void config_file_parse(const char *text, size_t bytes, const struct config_lines *lines)
{
	struct config_guard g = { .at = text, .end = text + bytes, .lines = lines };

	/* the mark that some editors put in front of UTF-8 */
	if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		g.at += 3;
	ini_parse_stream(config_next_line, &g, config_on_value, &g);
}

static bool config_is_dev_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

int config_file_read(const char *path, char **ret, size_t *bytes)
{
	/* a fifo would wait for its writer, a terminal become ours */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t used = 0, room;
	ssize_t n = 0;

	if (fd < 0)
		return errno == ENXIO ? -EINVAL : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) && !config_is_dev_null(&st))
		return -EINVAL;
	if (st.st_size > CONFIG_FILE_MAX_BYTES)
		return -EFBIG;
	/* one more, by which a file that has grown is noticed */
	room = st.st_size + 1;
	text = malloc(room + 1);
	if (!text)
		return -ENOMEM;
	while (used < room && (n = read(fd, text + used, room - used)) > 0)
		used += n;
	if (n < 0)
		return -errno;
	if (used == room)
		return -EAGAIN;
	text[used] = '\0';
	*ret = TAKE_PTR(text);
	*bytes = used;
	return 0;
}
