/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `synguard config` prints of a configuration, and of the table of settings. */
#include "daemon/settings/config.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "daemon/base/text.h"

#define PRINT_COLUMNS 80

/* ---- a configuration ----------------------------------------------------------------------- */

/* The header of the section in front of its first setting; *last is the section before. */
static void print_section(FILE *to, const char **last, const char *section)
{
	if (*last && !strcmp(*last, section))
		return;
	fprintf(to, "%s[%s]\n", *last ? "\n" : "", section);
	*last = section;
}

static void print_setting(FILE *to, const struct settings *s, enum setting_id id)
{
	struct settings_text text;
	size_t i;

	for (i = 0; i < settings_lines(s, id); i++) {
		settings_text(s, id, i, &text);
		text_say(to, "%s=%s", settings_table[id].key, text.text);
	}
}

static void print_origin(FILE *to, const struct config_origin *o)
{
	if (!o->file)
		fputs("# by default\n", to);
	else if (!o->line)
		text_say(to, "# %s", o->file);
	else
		text_say(to, "# %s:%u", o->file, o->line);
}

void config_print(FILE *to, const struct config *c, bool origin)
{
	const char *section = NULL;
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++) {
		print_section(to, &section, settings_table[id].section);
		if (origin)
			print_origin(to, &c->origins[id]);
		print_setting(to, &c->settings, id);
	}
}

size_t config_print_difference(FILE *to, const struct config *c)
{
	const char *section = NULL;
	struct settings by_default;
	enum setting_id id;
	size_t count = 0;

	settings_reset(&by_default);
	for (id = 0; id < SETTINGS_COUNT; id++) {
		if (settings_equal(&c->settings, &by_default, id))
			continue;
		print_section(to, &section, settings_table[id].section);
		fprintf(to, "# default: %s\n",
			*settings_table[id].by_default ? settings_table[id].by_default : "none");
		print_setting(to, &c->settings, id);
		count++;
	}
	return count;
}

static json_t *print_json_value(const struct settings *s, enum setting_id id)
{
	struct settings_text text;
	json_t *list;
	size_t i;

	settings_text(s, id, 0, &text);
	if (!settings_table[id].type->item_bytes)
		return json_string(text.text);
	list = json_array();
	for (i = 0; *text.text && i < settings_lines(s, id); i++) {
		settings_text(s, id, i, &text);
		json_array_append_new(list, json_string(text.text));
	}
	return list;
}

int config_print_json(FILE *to, const struct config *c)
{
	json_t *root = json_object(), *section;
	enum setting_id id;
	int r;

	for (id = 0; id < SETTINGS_COUNT; id++) {
		const struct config_origin *o = &c->origins[id];
		const char *name = settings_table[id].section;

		section = json_object_get(root, name);
		if (!section) {
			json_object_set_new(root, name, json_object());
			section = json_object_get(root, name);
		}
		json_object_set_new(section, settings_table[id].key,
				    json_pack("{s:o, s:s?, s:i}", "value",
					      print_json_value(&c->settings, id), "file", o->file,
					      "line", (int)o->line));
	}
	r = root ? json_dumpf(root, to, JSON_INDENT(2) | JSON_ENSURE_ASCII) : -1;
	json_decref(root);
	fputc('\n', to);
	return r < 0 ? -EIO : 0;
}

/* ---- the table ----------------------------------------------------------------------------- */

void config_print_sample(FILE *to)
{
	const char *section = NULL;
	enum setting_id id;
	char facts[256];

	fputs("# Settings of synguardd(8), see synguard.conf(5). Every line here is a comment; "
	      "what\n"
	      "# follows a # without a blank is the default. Put what you change into a file of\n"
	      "# your own, such as /etc/synguard/synguard.conf.d/50-local.conf, then run\n"
	      "# \"synguard config check\" and reload the daemon.\n\n",
	      to);
	for (id = 0; id < SETTINGS_COUNT; id++) {
		const struct setting *row = &settings_table[id];

		if (!section || strcmp(section, row->section))
			fprintf(to, "%s#[%s]\n", section ? "\n" : "", row->section);
		else
			fputs("\n", to);
		section = row->section;
		settings_facts(id, facts, sizeof(facts));
		text_wrap(to, "# ", PRINT_COLUMNS, row->help);
		text_wrap(to, "# ", PRINT_COLUMNS, facts);
		fprintf(to, "#%s=%s\n", row->key, row->by_default);
	}
}
