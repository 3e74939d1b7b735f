/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading members of the daemon's JSON. A member that is missing, or of another type, reads as 0, ""
 * or false.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

static inline json_int_t get_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* An integer or a real. */
static inline double get_real(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static inline const char *get_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static inline bool get_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static inline bool get_is(const json_t *object, const char *key, const char *word)
{
	return !strcmp(get_text(object, key), word);
}

/* Whether the daemon knows the number: otherwise it says null, or nothing. */
static inline bool has_number(const json_t *object, const char *key)
{
	return json_is_number(json_object_get(object, key));
}

/* "192.0.2.1:80", "[2001:db8::1]:80" */
struct endpoint {
	char text[96];
};

static inline struct endpoint get_endpoint(const json_t *object, const char *address,
					   const char *port)
{
	const char *text = get_text(object, address);
	struct endpoint e;

	snprintf(e.text, sizeof(e.text), strchr(text, ':') ? "[%.46s]:%u" : "%.46s:%u", text,
		 (unsigned int)get_number(object, port));
	return e;
}
