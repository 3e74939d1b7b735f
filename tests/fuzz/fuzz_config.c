/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader of configuration files, on any bytes: it ends, touches nothing that is not its own,
 * counts lines as they are, and what it makes of a file without faults it reads the same again.
 */
#include <string.h>

#include "daemon/settings/config.h"
#include "fuzz.h"

static unsigned int lines_of(const uint8_t *data, size_t size)
{
	unsigned int lines = 1;
	size_t i;

	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

static struct config *load(const void *text, size_t bytes)
{
	struct config *c = NULL;

	FUZZ_CHECK(config_load_text(&c, "input", text, bytes) == 0, "not loaded");
	return c;
}

static void check_problems(const struct config_problems *p, unsigned int lines)
{
	struct config_line line;
	size_t i;

	for (i = 0; i < p->count && i < CONFIG_PROBLEMS_KEPT; i++) {
		config_problem_text(&p->kept[i], &line);
		FUZZ_CHECK(p->kept[i].line >= 1 && p->kept[i].line <= lines, "line %u of %u",
			   p->kept[i].line, lines);
		FUZZ_CHECK(p->kept[i].text[0], "a problem without words");
	}
}

static void check_bounds(const struct settings *s)
{
	FUZZ_CHECK(s->arm_percent >= 1 && s->arm_percent <= 100, "ArmPercent");
	FUZZ_CHECK(s->lease_ns >= SETTINGS_SECONDS(2) && s->lease_ns <= SETTINGS_SECONDS(60),
		   "LeaseSec");
	FUZZ_CHECK(s->epoch_shift >= SG_EPOCH_SHIFT_MIN && s->epoch_shift <= SG_EPOCH_SHIFT_MAX,
		   "EpochSec");
	FUZZ_CHECK(s->mode < SG_MODE_COUNT, "Mode");
	FUZZ_CHECK(s->exporter_listen.port, "Listen");
}

static void check_shown(const struct config *c)
{
	struct config *again;
	char *text = NULL;
	enum setting_id id;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	config_print(f, c, true);
	fclose(f);
	again = load(text, bytes);
	FUZZ_CHECK(!again->faults.count, "refused: %s\n%s", again->faults.kept[0].text, text);
	for (id = 0; id < SETTINGS_COUNT; id++)
		FUZZ_CHECK(settings_equal(&c->settings, &again->settings, id), "%s differs:\n%s",
			   settings_table[id].key, text);
	config_free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct config *c;

	memcpy(text, data, size);
	text[size] = '\0';
	c = load(text, size);
	check_problems(&c->faults, lines_of(data, size));
	check_problems(&c->warnings, lines_of(data, size));
	/* what fell back, and what did not, goes together */
	config_fall_back(c);
	check_bounds(&c->settings);
	check_shown(c);
	config_free(c);
	free(text);
	return 0;
}
