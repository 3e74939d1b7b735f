/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/iface_names.h"

#include <ctype.h>
#include <fnmatch.h>
#include <net/if.h>
#include <string.h>

/* Room for a few alternatives in brackets. */
#define IFACE_NAMES_MAX_PATTERN 64

static bool iface_names_is_pattern(const char *word)
{
	return strpbrk(word, "*?[");
}

bool iface_names_valid(const char *word)
{
	size_t length, i;

	if (!strcmp(word, "!" IFACE_NAMES_AUTO)) /* "none of what you would take" */
		return false;
	word += *word == '!';
	length = strlen(word);
	if (!length || !strcmp(word, ".") || !strcmp(word, "..") || *word == '!')
		return false;
	/* what dev_valid_name() of the kernel refuses */
	for (i = 0; i < length; i++)
		if (word[i] == '/' || word[i] == ':' || isspace((unsigned char)word[i]))
			return false;
	return length < (iface_names_is_pattern(word) ? IFACE_NAMES_MAX_PATTERN : IFNAMSIZ);
}

bool iface_names_match_one(const char *word, const struct iface_names_device *d)
{
	if (!strcmp(word, IFACE_NAMES_AUTO))
		return d->up && d->ethernet && !d->virtual;
	if (!strcmp(word, d->name))
		return true;
	return d->ethernet && iface_names_is_pattern(word) && !fnmatch(word, d->name, 0);
}

static bool iface_names_excluded(const char *word, const char *name)
{
	return !strcmp(word, name) || !fnmatch(word, name, 0);
}

bool iface_names_match(const char *const *words, size_t count, const struct iface_names_device *d)
{
	bool meant = false, named = false;
	size_t i;

	for (i = 0; i < count; i++) {
		if (words[i][0] == '!') {
			if (iface_names_excluded(words[i] + 1, d->name))
				return false;
			continue;
		}
		named = true;
		meant = meant || iface_names_match_one(words[i], d);
	}
	return named ? meant : count && iface_names_match_one(IFACE_NAMES_AUTO, d);
}
