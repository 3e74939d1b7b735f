/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of the table of verbs, whichever it is: tests bring one of their own. */
#include <assert.h>
#include <string.h>

#include "cli/base/verb.h"

const struct verb *verb_find(const char *name)
{
	const struct verb *v;

	for (v = verbs; v->name; v++)
		if (!strcmp(v->name, name) || (v->alias && !strcmp(v->alias, name)))
			return v;
	return NULL;
}

void verb_arity(const struct verb *verb, int *min, int *max)
{
	const char *word = verb->arguments;
	size_t length;

	*min = *max = 0;
	for (; *word; word += strspn(word, " ")) {
		length = strcspn(word, " ");
		*min += *word != '[';
		if (length > 3 && !strncmp(word + length - 3, "...", 3))
			*max = -1;
		else if (*max >= 0)
			(*max)++;
		word += length;
	}
}

bool verb_takes(const struct verb *verb, const struct verb_option *common)
{
	return verb->takes & common->common;
}

const char *cli_option(const struct cli *cli, const char *name)
{
	size_t i;

	for (i = 0; cli->verb->options && cli->verb->options[i].name; i++)
		if (!strcmp(cli->verb->options[i].name, name))
			return cli->values[i];
	assert(!"an option that the verb's row has");
	return NULL;
}
