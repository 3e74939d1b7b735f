/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON written as it comes, for views of a hundred thousand rows: nothing is kept in memory. Objects
 * and lists nest as the caller opens and closes them; text is escaped, its bytes are UTF-8 or ASCII.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Zeroed but for `to`: at the beginning. */
struct json_writer {
	FILE *to;
	bool comma; /* something stands before in this object or list */
};

/* Of a member of an object; key NULL: an element of a list, on a line of its own. */
void json_open(struct json_writer *j, const char *key, char bracket);
void json_close(struct json_writer *j, char bracket);

/* text NULL: null */
void json_put_text(struct json_writer *j, const char *key, const char *text);
void json_put_count(struct json_writer *j, const char *key, uint64_t count);
/* In thousandths. */
void json_put_milli(struct json_writer *j, const char *key, uint64_t milli);
void json_put_flag(struct json_writer *j, const char *key, bool flag);
/* Each of these keys, up to NULL, is null. */
void json_put_nulls(struct json_writer *j, const char *const *keys);
