/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/settings/config_file.h"
#include "daemon/settings/config_paths.h"

const char *const CONFIG_COMMAND_LINE = "command line";

/* ---- problems ------------------------------------------------------------------------------ */

static void config_blame(struct config *c, const char *section)
{
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcmp(settings_table[id].section, section))
			c->faulty[id] = true;
}

/* section "": of none that could fall back. */
static void __attribute__((format(printf, 5, 6)))
config_complain(struct config *c, const char *file, unsigned int line, const char *section,
		const char *format, ...)
{
	struct config_problem *p;
	va_list args;

	config_blame(c, section);
	if (c->problem_count++ >= CONFIG_PROBLEMS_KEPT)
		return;
	p = &c->problems[c->problem_count - 1];
	p->file = file;
	p->line = line;
	va_start(args, format);
	vsnprintf(p->text, sizeof(p->text), format, args);
	va_end(args);
}

void config_problem_text(const struct config_problem *p, struct config_line *ret)
{
	if (p->line)
		snprintf(ret->text, sizeof(ret->text), "%.360s:%u: %s", p->file, p->line, p->text);
	else
		snprintf(ret->text, sizeof(ret->text), "%.360s: %s", p->file, p->text);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The file that is being read. */
struct config_reading {
	struct config *config;
	const char *file;
};

static void config_refuse(void *userdata, unsigned int line, const char *section, const char *why)
{
	struct config_reading *r = userdata;

	config_complain(r->config, r->file, line, section, "%s", why);
}

/* What is not kept needs no good advice, which takes its time. */
static bool config_tells(const struct config *c)
{
	return c->problem_count < CONFIG_PROBLEMS_KEPT;
}

static int config_take_section(struct config_reading *r, unsigned int line, const char *section)
{
	const char *near;

	if (settings_has_section(section))
		return true;
	near = config_tells(r->config) ? settings_nearest_section(section) : NULL;
	config_complain(r->config, r->file, line, "",
			near ? "there is no section [%s]; did you mean [%s]?" :
			       "there is no section [%s]",
			section, near);
	return false;
}

static void config_unknown_key(struct config_reading *r, unsigned int line, const char *section,
			       const char *key)
{
	const char *near = config_tells(r->config) ? settings_nearest_key(section, key) : NULL;
	const char *elsewhere = settings_section_of(key);

	if (elsewhere && strcmp(elsewhere, section))
		config_complain(r->config, r->file, line, section, "%s= belongs into section [%s]",
				key, elsewhere);
	else
		config_complain(r->config, r->file, line, section,
				near ? "section [%s] has no %.60s=; did you mean %s=?" :
				       "section [%s] has no %.60s=",
				section, key, near);
}

static void config_assign(struct config_reading *r, unsigned int line, enum setting_id id,
			  const char *value)
{
	struct config *c = r->config;
	struct complaint why;

	/* the first words of a list take the place of the default ones */
	if (*value && !c->origins[id].file && settings_table[id].type->count)
		settings_set(&c->settings, id, "", NULL);
	if (settings_set(&c->settings, id, value, &why) < 0) {
		if (!c->origins[id].file)
			settings_reset_one(&c->settings, id);
		config_complain(c, r->file, line, settings_table[id].section, "%s", why.text);
		return;
	}
	c->origins[id] = (struct config_origin){ r->file, line };
}

static int config_take(void *userdata, unsigned int line, const char *section, const char *key,
		       const char *value)
{
	struct config_reading *r = userdata;
	enum setting_id id;

	if (!key)
		return config_take_section(r, line, section);
	id = settings_find(section, key);
	if (id == SETTINGS_COUNT)
		config_unknown_key(r, line, section, key);
	else
		config_assign(r, line, id, value);
	return true;
}

static void config_parse(struct config *c, const char *name, const char *text, size_t bytes)
{
	struct config_reading reading = { c, name };
	const struct config_lines lines = { config_take, config_refuse, &reading };

	config_file_parse(text, bytes, &lines);
}

/* ---- files --------------------------------------------------------------------------------- */

/* Takes the path and keeps it: origins and problems point to it. NULL without memory. */
static const char *config_add_file(struct config *c, char *path)
{
	const char **files = reallocarray(c->files, c->file_count + 1, sizeof(*files));

	if (!path || !files) {
		free(path);
		c->files = files ?: c->files;
		return NULL;
	}
	c->files = files;
	files[c->file_count++] = path;
	return path;
}

/* Of what cannot be read only that it exists is known. Takes the path. */
static int config_read(struct config *c, char *path)
{
	const char *name = config_add_file(c, path);
	_cleanup_free_ char *text = NULL;
	size_t bytes;
	int r;

	if (!name)
		return -ENOMEM;
	r = config_file_read(name, &text, &bytes);
	if (r == -ENOMEM)
		return r;
	if (r >= 0)
		config_parse(c, name, text, bytes);
	else if (r == -EINVAL)
		config_complain(c, name, 0, "", "this is no regular file");
	else if (r == -EFBIG)
		config_complain(c, name, 0, "", "it has more than 4 MiB");
	else
		config_complain(c, name, 0, "", "cannot be read: %s", strerror(-r));
	return 0;
}

static int config_read_folders(struct config *c, const char *const *folders)
{
	_cleanup_(config_paths_free_at) struct config_paths *paths = NULL;
	size_t i;
	int r = config_paths_new(&paths, folders);

	for (i = 0; r >= 0 && i < paths->count; i++)
		r = config_read(c, TAKE_PTR(paths->of[i].path));
	if (r >= 0 && paths->closed) {
		const char *folder = config_add_file(c, TAKE_PTR(paths->closed));

		if (!folder)
			return -ENOMEM;
		config_complain(c, folder, 0, "", "cannot be read: %s", strerror(paths->error));
	}
	if (r >= 0 && paths->too_many)
		config_complain(c, CONFIG_PATHS_DROP_INS, 0, "",
				"more than %d files; the rest is not read", CONFIG_PATHS_MAX);
	return r;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void config_read_command_line(struct config *c, const char *const *words)
{
	struct config_reading reading = { c, CONFIG_COMMAND_LINE };
	enum setting_id id;

	/* what is given there takes the place of what the files say */
	for (id = 0; id < SETTINGS_COUNT; id++) {
		const char *const *w;
		bool first = true;

		for (w = words; w && *w; w += 3) {
			if (settings_find(w[0], w[1]) != id)
				continue;
			if (first)
				settings_set(&c->settings, id, "", NULL);
			first = false;
			config_assign(&reading, 0, id, w[2]);
		}
	}
}

/* Whose line is at fault: the one that was read last. */
static void config_check(struct config *c)
{
	enum setting_id id, other;
	struct complaint why;

	if (settings_check(&c->settings, &id, &other, &why) >= 0)
		return;
	if (!c->origins[id].file)
		id = other;
	config_complain(c, c->origins[id].file, c->origins[id].line, settings_table[id].section,
			"%s", why.text);
}

static struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c)
		settings_reset(&c->settings);
	return c;
}

int config_load_text(struct config **ret, const char *name, const char *text, size_t bytes)
{
	_cleanup_(config_free_at) struct config *c = config_new();
	const char *kept = c ? config_add_file(c, strdup(name)) : NULL;

	if (!kept)
		return -ENOMEM;
	config_parse(c, kept, text, bytes);
	config_check(c);
	*ret = TAKE_PTR(c);
	return 0;
}

int config_load(struct config **ret, const struct config_source *source)
{
	_cleanup_(config_free_at) struct config *c = config_new();
	int r;

	if (!c)
		return -ENOMEM;
	if (source->file) {
		if (!config_paths_exists(source->file))
			return -ENOENT;
		r = config_read(c, strdup(source->file));
	} else {
		r = config_read_folders(c, source->folders);
	}
	if (r < 0)
		return r;
	config_check(c);
	config_read_command_line(c, source->command_line);
	*ret = TAKE_PTR(c);
	return 0;
}

struct config *config_free(struct config *c)
{
	size_t i;

	if (!c)
		return NULL;
	for (i = 0; i < c->file_count; i++)
		free((char *)c->files[i]);
	free(c->files);
	free(c);
	return NULL;
}

void config_fall_back(struct config *c)
{
	enum setting_id id;

	for (id = 0; id < SETTINGS_COUNT; id++) {
		if (!c->faulty[id] || c->origins[id].file == CONFIG_COMMAND_LINE)
			continue;
		settings_reset_one(&c->settings, id);
		c->origins[id] = (struct config_origin){};
	}
}
