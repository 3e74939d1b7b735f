/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/settings/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "daemon/base/file.h"
#include "daemon/base/text.h"

#define CONFIG_MAX_BYTES (4u << 20)

/* What version 0.1 took, whose parser cut longer ones; a file may have to serve both. */
#define CONFIG_LINE_MAX	   197
#define CONFIG_SECTION_MAX 49

#define CONFIG_FILE	"synguard.conf"
#define CONFIG_DROP_INS "synguard.conf.d"

/* More drop-ins are a mistake, such as a folder that some program fills. */
#define CONFIG_DROP_INS_MAX 256

#define CONFIG_FOLDERS 3
static const char *const config_folders[] = {
	"/etc/synguard",
	"/run/synguard",
	"/usr/lib/synguard",
	NULL,
};

const char *const CONFIG_COMMAND_LINE = "command line";

/* ---- problems ------------------------------------------------------------------------------ */

static void __attribute__((format(printf, 4, 0)))
config_keep(struct config_problems *problems, const char *file, unsigned int line,
	    const char *format, va_list args)
{
	struct config_problem *p;

	if (problems->count++ >= CONFIG_PROBLEMS_KEPT)
		return;
	p = &problems->kept[problems->count - 1];
	p->file = file;
	p->line = line;
	vsnprintf(p->text, sizeof(p->text), format, args);
}

/* section "": no section falls back for it. */
static void __attribute__((format(printf, 5, 6)))
config_fault(struct config *c, const char *file, unsigned int line, const char *section,
	     const char *format, ...)
{
	enum setting_id id;
	va_list args;

	for (id = 0; id < SETTINGS_COUNT; id++)
		if (!strcmp(settings_table[id].section, section))
			c->faulty[id] = true;
	va_start(args, format);
	config_keep(&c->faults, file, line, format, args);
	va_end(args);
}

static void __attribute__((format(printf, 4, 5)))
config_warn(struct config *c, const char *file, unsigned int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_keep(&c->warnings, file, line, format, args);
	va_end(args);
}

void config_problem_text(const struct config_problem *p, struct config_line *ret)
{
	char line[16] = "";

	if (p->line)
		snprintf(line, sizeof(line), ":%u", p->line);
	snprintf(ret->text, sizeof(ret->text), "%.360s%s: %s", p->file, line, p->text);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* The file that is being read. */
struct config_reader {
	struct config *config;
	const char *file;
	unsigned int line;		      /* from 1; 0: none, as of the command line */
	char section[CONFIG_SECTION_MAX + 1]; /* "": none yet, or its header is faulty */
	bool skip;			      /* until the next header: this one is faulty */
};

static void config_assign(struct config_reader *r, enum setting_id id, const char *value)
{
	struct config *c = r->config;
	struct complaint why;

	/* the first words of a list replace the default ones */
	if (*value && !c->origins[id].file && settings_table[id].type->item_bytes)
		settings_set(&c->settings, id, "", NULL);
	if (settings_set(&c->settings, id, value, &why) < 0) {
		if (!c->origins[id].file)
			settings_reset_one(&c->settings, id);
		config_fault(c, r->file, r->line, settings_table[id].section, "%s", why.text);
		return;
	}
	c->origins[id] = (struct config_origin){ r->file, r->line };
}

static void config_unknown_key(struct config_reader *r, const char *key)
{
	struct config *c = r->config;
	const char *elsewhere = settings_section_of(key), *near = NULL;

	if (elsewhere && strcmp(elsewhere, r->section)) {
		config_fault(c, r->file, r->line, r->section, "%s= belongs into section [%s]", key,
			     elsewhere);
		return;
	}
	/* the search takes its time: not for what nobody will read */
	if (c->faults.count < CONFIG_PROBLEMS_KEPT)
		near = settings_nearest_key(r->section, key);
	config_fault(c, r->file, r->line, r->section,
		     near ? "section [%s] has no %.60s=; did you mean %s=?" :
			    "section [%s] has no %.60s=",
		     r->section, key, near);
}

/* "Key = value" without blanks at its ends. */
static void config_take_assignment(struct config_reader *r, char *line)
{
	char *equals = strchr(line, '='), *end = equals;
	const char *value = equals + 1 + strspn(equals + 1, " \t");
	enum setting_id id;

	while (end > line && isblank((unsigned char)end[-1]))
		end--;
	*end = '\0';
	id = settings_find(r->section, line);
	if (id == SETTINGS_COUNT)
		config_unknown_key(r, line);
	else
		config_assign(r, id, value);
}

/* "[Section]" */
static void config_take_header(struct config_reader *r, const char *line)
{
	struct config *c = r->config;
	const char *name, *near = NULL;

	snprintf(r->section, sizeof(r->section), "%.*s", (int)strlen(line) - 2, line + 1);
	name = settings_renamed_section(r->section);
	if (name) {
		config_warn(c, r->file, r->line, "section [%s] is called [%s] now; both are read",
			    r->section, name);
		snprintf(r->section, sizeof(r->section), "%s", name);
	}
	r->skip = !settings_has_section(r->section);
	if (!r->skip)
		return;
	if (c->faults.count < CONFIG_PROBLEMS_KEPT)
		near = settings_nearest_section(r->section);
	config_fault(c, r->file, r->line, "",
		     near ? "there is no section [%s]; did you mean [%s]?" :
			    "there is no section [%s]",
		     r->section, near);
}

static const char *config_refuse_header(const char *line)
{
	const char *end = strchr(line, ']');
	size_t length = end ? end - line - 1 : 0, i;

	if (!end)
		return "a section's header ends in \"]\"";
	if (end[1])
		return "nothing may follow a section's header";
	if (length > CONFIG_SECTION_MAX)
		return "the section's name is too long";
	for (i = 0; i < length; i++)
		if (!isalnum((unsigned char)line[1 + i]))
			return "a section's name has letters and digits only";
	return length ? NULL : "the section has no name";
}

static const char *config_refuse_assignment(const struct config_reader *r, const char *line)
{
	const char *equals = strchr(line, '='), *colon = strchr(line, ':');

	if (isblank((unsigned char)line[0]))
		return "the line is indented; begin it at its first column, a value does not go on "
		       "in the next line";
	if (colon && (!equals || colon < equals))
		return "write Key=value, with \"=\" and not with \":\"";
	if (!equals)
		return "neither [Section] nor Key=value nor a comment";
	if (equals == line)
		return "there is no key in front of \"=\"";
	return r->section[0] ? NULL : "the line stands in front of any [Section]";
}

/* " ;" or " #" behind a value looks like a comment, and would be part of the value. */
static bool config_has_comment_behind(const char *line)
{
	for (; *line; line++)
		if (isblank((unsigned char)line[0]) && (line[1] == ';' || line[1] == '#'))
			return true;
	return false;
}

/* What is wrong with a line that is neither blank nor a comment, or NULL. */
static const char *config_refuse_line(const struct config_reader *r, const char *line)
{
	if (!text_is_utf8(line))
		return "the line is not UTF-8; save the file as UTF-8";
	if (!text_is_plain(line, "\t"))
		return "the line has a control character in it";
	if (config_has_comment_behind(line))
		return "a comment has to be a line of its own";
	return line[0] == '[' ? config_refuse_header(line) : config_refuse_assignment(r, line);
}

static void config_take_line(struct config_reader *r, const char *start, size_t length)
{
	const char *first = start + strspn(start, " \t"), *why = NULL;
	bool header = *first == '[';
	char line[CONFIG_LINE_MAX + 1] = "";

	while (length && (isblank((unsigned char)start[length - 1]) || start[length - 1] == '\r'))
		length--;
	if (memchr(start, '\0', length))
		why = "the line has a NUL byte in it; this is no text";
	else if (!length || *first == '#' || *first == ';')
		return;
	else if (length > CONFIG_LINE_MAX)
		why = "the line is longer than 197 bytes; repeat the key to go on with a list";
	else if (r->skip && !header)
		return;
	else
		memcpy(line, start, length);
	why = why ?: config_refuse_line(r, line);
	if (why)
		config_fault(r->config, r->file, r->line, r->section, "%s", why);
	/* whose lines follow a faulty header is not known, least of all the section before */
	if (why && header) {
		r->section[0] = '\0';
		r->skip = true;
	} else if (!why && header) {
		config_take_header(r, line);
	} else if (!why) {
		config_take_assignment(r, line);
	}
}

/* There is a NUL behind the text. */
static void config_parse(struct config *c, const char *name, const char *text, size_t bytes)
{
	struct config_reader r = { .config = c, .file = name };
	const char *end = text + bytes, *newline;

	/* the byte order mark that some editors put in front of UTF-8 */
	if (bytes >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', end - text) ?: end;
		r.line++;
		config_take_line(&r, text, newline - text);
	}
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

static char *config_join(const char *folder, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* Any other error, such as a folder that may not be entered, is reported when the file is read. */
static bool config_is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

static bool config_exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st) || !config_is_absence(errno);
}

/* Of what is no regular file /dev/null is an empty one. */
static int config_read_special(const char *path, char **ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return -EINVAL;
	*ret = strdup("");
	return *ret ? 0 : -ENOMEM;
}

/* What cannot be read is a fault of the configuration. Takes the path. -ENOMEM. */
static int config_read(struct config *c, char *path)
{
	const char *name = config_add_file(c, path);
	_cleanup_free_ char *text = NULL;
	size_t bytes = 0;
	int r;

	if (!name)
		return -ENOMEM;
	r = file_read(name, O_NOCTTY, CONFIG_MAX_BYTES, &text, &bytes);
	if (r == -EINVAL)
		r = config_read_special(name, &text);
	if (r == -ENOMEM)
		return r;
	if (r >= 0)
		config_parse(c, name, text, bytes);
	else if (r == -EINVAL || r == -ENXIO) /* a socket cannot even be opened */
		config_fault(c, name, 0, "", "this is no regular file");
	else if (r == -EFBIG)
		config_fault(c, name, 0, "", "it has more than 4 MiB");
	else
		config_fault(c, name, 0, "", "cannot be read: %s", strerror(-r));
	return 0;
}

/* The drop-ins of one folder, by name; at: the next one to be read. */
struct config_drop_ins {
	char *path;
	struct dirent **entries;
	int count, at;
};

static void config_drop_ins_done(struct config_drop_ins *d)
{
	while (d->count)
		free(d->entries[--d->count]);
	free(d->entries);
	free(d->path);
}

static int config_is_drop_in(const struct dirent *entry)
{
	const char *suffix = strrchr(entry->d_name, '.');

	/* hidden ones are an editor's or a package manager's */
	return entry->d_name[0] != '.' && suffix && !strcmp(suffix, ".conf");
}

static int config_by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A folder that is there and cannot be listed is a fault. -ENOMEM. */
static int config_list_drop_ins(struct config *c, const char *folder, struct config_drop_ins *ret)
{
	const char *name;
	int n;

	ret->path = config_join(folder, CONFIG_DROP_INS);
	if (!ret->path)
		return -ENOMEM;
	n = scandir(ret->path, &ret->entries, config_is_drop_in, config_by_name);
	if (n >= 0)
		ret->count = n;
	if (n >= 0 || config_is_absence(errno))
		return 0;
	n = -errno;
	name = config_add_file(c, TAKE_PTR(ret->path));
	if (!name || n == -ENOMEM)
		return -ENOMEM;
	config_fault(c, name, 0, "", "cannot be read: %s", strerror(-n));
	return 0;
}

/*
 * Reads the next one by name, of the same name the first folder's. 0: there is none, or no more may
 * be read; -ENOMEM.
 */
static int config_read_drop_in(struct config *c, struct config_drop_ins of[CONFIG_FOLDERS],
			       unsigned int *left)
{
	const struct config_drop_ins *folder = NULL;
	const char *name = NULL;
	int i, r;

	for (i = 0; i < CONFIG_FOLDERS; i++) {
		if (of[i].at == of[i].count ||
		    (name && strcmp(of[i].entries[of[i].at]->d_name, name) >= 0))
			continue;
		folder = &of[i];
		name = folder->entries[folder->at]->d_name;
	}
	if (folder && !*left)
		config_fault(c, CONFIG_DROP_INS, 0, "", "more than %d files; the rest is not read",
			     CONFIG_DROP_INS_MAX);
	if (!folder || !(*left)--)
		return 0;
	r = config_read(c, config_join(folder->path, name));
	for (i = 0; i < CONFIG_FOLDERS; i++)
		if (of[i].at < of[i].count && !strcmp(of[i].entries[of[i].at]->d_name, name))
			of[i].at++;
	return r < 0 ? r : 1;
}

static int config_read_main(struct config *c, const char *const *folders)
{
	for (; *folders; folders++) {
		_cleanup_free_ char *path = config_join(*folders, CONFIG_FILE);

		if (!path)
			return -ENOMEM;
		if (config_exists(path))
			return config_read(c, TAKE_PTR(path));
	}
	return 0;
}

static int config_read_folders(struct config *c, const char *const *folders)
{
	struct config_drop_ins drop_ins[CONFIG_FOLDERS] = {};
	unsigned int left = CONFIG_DROP_INS_MAX;
	int r = config_read_main(c, folders), i;

	for (i = 0; i < CONFIG_FOLDERS && folders[i] && r >= 0; i++)
		r = config_list_drop_ins(c, folders[i], &drop_ins[i]);
	while (r >= 0 && (r = config_read_drop_in(c, drop_ins, &left)) > 0)
		;
	for (i = 0; i < CONFIG_FOLDERS; i++)
		config_drop_ins_done(&drop_ins[i]);
	return r;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* What is given there replaces what the files say. */
static void config_read_command_line(struct config *c, const char *const *words)
{
	struct config_reader r = { .config = c, .file = CONFIG_COMMAND_LINE };
	const char *const *w;
	enum setting_id id;

	for (w = words; w && *w; w += 3) {
		id = settings_find(w[0], w[1]);
		if (id == SETTINGS_COUNT)
			continue;
		if (c->origins[id].file != CONFIG_COMMAND_LINE)
			settings_set(&c->settings, id, "", NULL);
		config_assign(&r, id, w[2]);
	}
}

/* The fault is that of the line that was read last. */
static void config_check(struct config *c)
{
	enum setting_id id, other;
	struct complaint why;

	if (settings_check(&c->settings, &id, &other, &why) >= 0)
		return;
	if (!c->origins[id].file)
		id = other;
	config_fault(c, c->origins[id].file, c->origins[id].line, settings_table[id].section, "%s",
		     why.text);
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
	if (source->file && !config_exists(source->file))
		return -ENOENT;
	r = source->file ? config_read(c, strdup(source->file)) :
			   config_read_folders(c, source->folders ?: config_folders);
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
