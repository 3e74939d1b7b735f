/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/views/json.h"

#include <inttypes.h>

static void json_write_text(FILE *to, const char *text)
{
	size_t plain;

	fputc('"', to);
	for (;; text++) {
		for (plain = 0; (unsigned char)text[plain] >= 0x20; plain++)
			if (text[plain] == '"' || text[plain] == '\\')
				break;
		fwrite(text, 1, plain, to);
		text += plain;
		if (!*text)
			break;
		fprintf(to, (unsigned char)*text < 0x20 ? "\\u%04x" : "\\%c", *text);
	}
	fputc('"', to);
}

/* Keys are ours: nothing in them is to be escaped. */
static void json_put_key(struct json_writer *j, const char *key)
{
	if (key)
		fprintf(j->to, "%s\"%s\":", j->comma ? "," : "", key);
	else if (j->comma)
		fputs(",\n", j->to);
	j->comma = true;
}

void json_open(struct json_writer *j, const char *key, char bracket)
{
	json_put_key(j, key);
	fputc(bracket, j->to);
	j->comma = false;
}

void json_close(struct json_writer *j, char bracket)
{
	fputc(bracket, j->to);
	j->comma = true;
}

void json_put_text(struct json_writer *j, const char *key, const char *text)
{
	json_put_key(j, key);
	if (text)
		json_write_text(j->to, text);
	else
		fputs("null", j->to);
}

void json_put_count(struct json_writer *j, const char *key, uint64_t count)
{
	json_put_key(j, key);
	fprintf(j->to, "%" PRIu64, count);
}

void json_put_milli(struct json_writer *j, const char *key, uint64_t milli)
{
	json_put_key(j, key);
	fprintf(j->to, "%" PRIu64 ".%03" PRIu64, milli / 1000, milli % 1000);
}

void json_put_flag(struct json_writer *j, const char *key, bool flag)
{
	json_put_key(j, key);
	fputs(flag ? "true" : "false", j->to);
}

void json_put_nulls(struct json_writer *j, const char *const *keys)
{
	while (*keys)
		json_put_text(j, *keys++, NULL);
}
