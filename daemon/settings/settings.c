/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/settings.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "synguard/cleanup.h"

#include "daemon/base/text.h"

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

const char *settings_renamed_section(const char *section)
{
	return strcmp(section, "Ladder") ? NULL : "Mitigation"; /* up to 0.1 */
}

const char *settings_section_of(const char *key)
{
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcasecmp(key, settings_table[id].key))
			return settings_table[id].section;
	return NULL;
}

const char *settings_nearest_section(const char *section)
{
	struct nearest nearest = nearest_to(section);
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		nearest_offer(&nearest, settings_table[id].section);
	return nearest.name;
}

const char *settings_nearest_key(const char *section, const char *key)
{
	struct nearest nearest = nearest_to(key);
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcmp(section, settings_table[id].section))
			nearest_offer(&nearest, settings_table[id].key);
	return nearest.name;
}

/* ---- values -------------------------------------------------------------------------------- */

/* A list of any type: its items follow their number. One that is there already is not added. */
static int list_add(void *list, const struct setting *row, const void *item, struct complaint *c)
{
	size_t *count = list, size = row->type->item_bytes, i;
	char *items = (char *)(count + 1);

	for (i = 0; i < *count; i++)
		if (!memcmp(items + i * size, item, size))
			return 0;
	if (*count == row->bounds.most) {
		complain(c, "more than %llu items; %s", (unsigned long long)row->bounds.most,
			 row->type->full);
		return -EINVAL;
	}
	memcpy(items + (*count)++ * size, item, size);
	return 0;
}

static int list_parse(void *list, const struct setting *row, const char *text, struct complaint *c)
{
	int r = 0, length;

	for (text += strspn(text, " \t"); *text && r >= 0; text += strspn(text, " \t")) {
		_Alignas(uint64_t) char item[sizeof(struct settings_text)] = "";
		struct settings_text word;

		length = strcspn(text, " \t");
		if (length >= (int)sizeof(word.text)) {
			complain(c, "\"%.40s...\" is too long", text);
			return -EINVAL;
		}
		snprintf(word.text, sizeof(word.text), "%.*s", length, text);
		text += length;
		r = row->type->parse(item, word.text, &row->bounds, c);
		if (r >= 0)
			r = list_add(list, row, item, c);
	}
	return r;
}

static int settings_parse(struct settings *s, enum setting_id id, const char *text,
			  struct complaint *c)
{
	const struct setting *row = &settings_table[id];
	void *value = settings_value(s, id);

	if (row->type->item_bytes)
		return list_parse(value, row, text, c);
	memset(value, 0, row->type->bytes);
	return row->type->parse(value, text, &row->bounds, c);
}

int settings_set(struct settings *s, enum setting_id id, const char *value, struct complaint *c)
{
	const struct setting *row = &settings_table[id];
	struct settings before = *s;
	struct settings_text range;
	struct complaint why = {};
	int r;

	if (!*value && row->type->item_bytes) {
		memset(settings_value(s, id), 0, row->type->bytes);
		return 0;
	}
	if (!*value) {
		settings_reset_one(s, id);
		return 0;
	}
	r = settings_parse(s, id, value, &why);
	if (r >= 0)
		return 0;
	*s = before;
	settings_range(id, &range);
	if (r == -ERANGE)
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
	/* a unit test holds that every default parses */
	if (*row->by_default)
		settings_parse(s, id, row->by_default, NULL);
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
	/* the first member of every list */
	return settings_table[id].type->item_bytes ? *(const size_t *)settings_const_value(s, id) :
						     1;
}

size_t settings_lines(const struct settings *s, enum setting_id id)
{
	return settings_items(s, id) ?: 1;
}

void settings_text(const struct settings *s, enum setting_id id, size_t line,
		   struct settings_text *ret)
{
	const struct settings_type *type = settings_table[id].type;
	const char *value = settings_const_value(s, id);

	ret->text[0] = '\0';
	if (line >= settings_items(s, id))
		return;
	if (type->item_bytes)
		value += sizeof(size_t) + line * type->item_bytes;
	type->print(value, ret);
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

void settings_facts(enum setting_id id, char *ret, size_t size)
{
	const struct setting *row = &settings_table[id];
	const char *effect = row->effect == SETTING_AT_RELOAD ? "at a reload" :
								"when the daemon starts anew";
	struct settings_text range;

	settings_range(id, &range);
	if (range.text[0])
		snprintf(ret, size, "From %s%s%s. Takes effect %s.", range.text,
			 *row->unit ? " " : "", row->unit, effect);
	else if (row->type->item_bytes)
		snprintf(ret, size,
			 "A list of at most %llu, with blanks between; may be repeated. Takes "
			 "effect %s.",
			 (unsigned long long)row->bounds.most, effect);
	else
		snprintf(ret, size, "Takes effect %s.", effect);
}

bool settings_equal(const struct settings *a, const struct settings *b, enum setting_id id)
{
	/* values are written into zeroed memory, so that bytes compare */
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
