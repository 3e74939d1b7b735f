/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/settings.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "synguard/cleanup.h"

#define SETTINGS_ROW_(section_, key_, type_, member_, default_, least_, most_, unit_, effect_,     \
		      help_)                                                                       \
	[SETTING_##member_] = {                                                                    \
		.section = section_,                                                               \
		.key = key_,                                                                       \
		.type = &settings_##type_,                                                         \
		.offset = offsetof(struct settings, member_),                                      \
		.by_default = default_,                                                            \
		.bounds = { least_, most_ },                                                       \
		.unit = unit_,                                                                     \
		.effect = SETTING_AT_##effect_,                                                    \
		.help = help_,                                                                     \
	},

const struct setting settings_table[SETTINGS_COUNT] = { SETTINGS(SETTINGS_ROW_) };

static void *settings_value(struct settings *s, enum setting_id id)
{
	return (char *)s + settings_table[id].offset;
}

static const void *settings_const_value(const struct settings *s, enum setting_id id)
{
	return (const char *)s + settings_table[id].offset;
}

/* ---- names --------------------------------------------------------------------------------- */

enum setting_id settings_find(const char *section, const char *key)
{
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcmp(section, settings_table[id].section) &&
		    !strcmp(key, settings_table[id].key))
			break;
	return id;
}

bool settings_has_section(const char *section)
{
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcmp(section, settings_table[id].section))
			return true;
	return false;
}

const char *settings_section_of(const char *key)
{
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcasecmp(key, settings_table[id].key))
			return settings_table[id].section;
	return NULL;
}

/* Names are short; of a longer one nothing is near. */
#define SETTINGS_NAME_MAX 24

static char settings_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Letters to insert, to leave out or to change (Levenshtein), whatever their case. */
static size_t settings_distance(const char *a, const char *b)
{
	size_t row[SETTINGS_NAME_MAX + 1], i, j, a_length = strlen(a), b_length = strlen(b);

	if (a_length > SETTINGS_NAME_MAX || b_length > SETTINGS_NAME_MAX)
		return SETTINGS_NAME_MAX;
	for (j = 0; j <= b_length; j++)
		row[j] = j;
	for (i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= b_length; j++) {
			size_t changed =
				diagonal + (settings_lower(a[i - 1]) != settings_lower(b[j - 1]));
			size_t least = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = changed < least + 1 ? changed : least + 1;
		}
	}
	return row[b_length];
}

/* Near is what differs in less than half of its letters, and the nearest of those. */
struct settings_search {
	const char *wanted;
	const char *found;
	size_t distance;
};

static void settings_consider(struct settings_search *search, const char *name)
{
	size_t distance = settings_distance(search->wanted, name);

	if (distance * 2 >= strlen(name) || (search->found && distance >= search->distance))
		return;
	search->found = name;
	search->distance = distance;
}

const char *settings_nearest_section(const char *section)
{
	struct settings_search search = { .wanted = section };
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		settings_consider(&search, settings_table[id].section);
	return search.found;
}

const char *settings_nearest_key(const char *section, const char *key)
{
	struct settings_search search = { .wanted = key };
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcmp(section, settings_table[id].section))
			settings_consider(&search, settings_table[id].key);
	return search.found;
}

/* ---- values -------------------------------------------------------------------------------- */

int settings_set(struct settings *s, enum setting_id id, const char *value, struct complaint *c)
{
	const struct setting *row = &settings_table[id];
	struct settings_text range;
	struct complaint why = {};
	int r;

	if (!*value) {
		if (row->type->count)
			memset(settings_value(s, id), 0, row->type->bytes);
		else
			settings_reset_one(s, id);
		return 0;
	}
	r = row->type->parse(settings_value(s, id), value, &row->bounds, &why);
	if (r >= 0)
		return 0;
	settings_range(id, &range);
	if (r == -ERANGE && range.text[0])
		complain(c, "%s=%.40s is out of range; it goes from %s%s%s", row->key, value,
			 range.text, *row->unit ? " " : "", row->unit);
	else
		complain(c, "%s: %.400s", row->key, why.text);
	return r;
}

void settings_reset_one(struct settings *s, enum setting_id id)
{
	const struct setting *row = &settings_table[id];

	memset(settings_value(s, id), 0, row->type->bytes);
	/* a default that does not parse stays zero; a test holds that there is none */
	if (*row->by_default)
		row->type->parse(settings_value(s, id), row->by_default, &row->bounds, NULL);
}

void settings_reset(struct settings *s)
{
	enum setting_id id;

	memset(s, 0, sizeof(*s));
	for (id = 0; id < SETTINGS_COUNT; id++)
		settings_reset_one(s, id);
}

int settings_check(const struct settings *s, enum setting_id *id, enum setting_id *other,
		   struct complaint *c)
{
	if (s->ebb_rate < s->attack_rate)
		return 0;
	*id = SETTING_ebb_rate;
	*other = SETTING_attack_rate;
	complain(c,
		 "EbbRate=%llu is not below AttackRate=%llu: an attack would end as soon as it "
		 "begins",
		 (unsigned long long)s->ebb_rate, (unsigned long long)s->attack_rate);
	return -EINVAL;
}

/* ---- text ---------------------------------------------------------------------------------- */

static size_t settings_items(const struct settings *s, enum setting_id id)
{
	const struct settings_type *type = settings_table[id].type;

	return type->count ? type->count(settings_const_value(s, id)) : 1;
}

size_t settings_lines(const struct settings *s, enum setting_id id)
{
	return settings_items(s, id) ?: 1;
}

void settings_text(const struct settings *s, enum setting_id id, size_t line,
		   struct settings_text *ret)
{
	ret->text[0] = '\0';
	if (line < settings_items(s, id))
		settings_table[id].type->print(settings_const_value(s, id), line, ret);
}

void settings_range(enum setting_id id, struct settings_text *ret)
{
	const struct setting *row = &settings_table[id];
	struct settings_text least, most;

	ret->text[0] = '\0';
	if (!row->type->print_bound)
		return;
	row->type->print_bound(row->bounds.least, &least);
	row->type->print_bound(row->bounds.most, &most);
	snprintf(ret->text, sizeof(ret->text), "%.40s to %.40s", least.text, most.text);
}

bool settings_equal(const struct settings *a, const struct settings *b, enum setting_id id)
{
	/* every value is zeroed before it is filled, so that bytes compare */
	return !memcmp(settings_const_value(a, id), settings_const_value(b, id),
		       settings_table[id].type->bytes);
}

void settings_changes(const struct settings *before, const struct settings *now, char *text,
		      size_t size)
{
	enum setting_id id;
	size_t n = 0;

	*text = '\0';
	for (id = 0; id < SETTINGS_COUNT && n < size; id++) {
		const struct setting *row = &settings_table[id];

		if (!settings_equal(before, now, id))
			n += snprintf(text + n, size - n, "%s%s%s", n ? ", " : "", row->key,
				      row->effect == SETTING_AT_RESTART ? " (at the next start)" :
									  "");
	}
}
