/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/trouble.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "synguard/cleanup.h"

#include "daemon/judge/detect_service.h"

#define TROUBLE_ROW_(name, word_, label_, sentence_) { .word = word_, .sentence = sentence_ },
static const struct {
	const char *word, *sentence;
} trouble_rows[] = { SG_TROUBLES(TROUBLE_ROW_) };
static_assert(ARRAY_SIZE(trouble_rows) == SG_TROUBLE_COUNT, "every trouble has a row");

const char *trouble_word(enum sg_trouble trouble)
{
	return trouble < SG_TROUBLE_COUNT ? trouble_rows[trouble].word : "unknown";
}

/* What stands for the field, by its name. */
static void trouble_value(const char *field, const struct trouble_figures *f, char *to, size_t size)
{
	uint64_t wanted = detect_backlog_wanted(f->limit, f->rate);

	*to = 0;
	if (!strncmp(field, "limit", 5))
		snprintf(to, size, "%" PRIu64, f->limit);
	else if (!strncmp(field, "rate", 4))
		snprintf(to, size, "%" PRIu64, f->rate);
	else if (!strncmp(field, "wanted", 6))
		snprintf(to, size, "%" PRIu64, wanted);
	/* the kernel cuts what listen() asks for: __sys_listen() */
	else if (f->somaxconn && f->somaxconn < wanted)
		snprintf(to, size,
			 ", and set net.core.somaxconn, which is %" PRIu64 ", to that before",
			 f->somaxconn);
}

const char *trouble_text(enum sg_trouble trouble, const struct trouble_figures *figures, char *text,
			 size_t size)
{
	const char *from = trouble < SG_TROUBLE_COUNT ? trouble_rows[trouble].sentence : "";
	char *at = text, *end = text + size;
	char value[128];

	while (*from && at < end) {
		int plain = strcspn(from, "{");

		at += snprintf(at, end - at, "%.*s", plain, from);
		from += plain;
		if (!*from || at >= end)
			break;
		trouble_value(from + 1, figures, value, sizeof(value));
		at += snprintf(at, end - at, "%s", value);
		from += strcspn(from, "}") + 1;
	}
	if (at == text)
		*text = 0;
	return text;
}
