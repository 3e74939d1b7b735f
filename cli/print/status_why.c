/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/print/status_why.h"

#include <string.h>

#include "synguard/cleanup.h"
#include "synguard/trouble.h"

#define WHY_WORD_(name, word, label, sentence) word,
static const char *const words[] = { SG_TROUBLES(WHY_WORD_) };

/* How many troubles are told in full; "synguard listeners" has all of them. */
#define WHY_TOLD 4

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool has_trouble(const json_t *service)
{
	const char *word = text(service, "trouble");

	return *word && strcmp(word, words[SG_TROUBLE_NONE]);
}

const char *status_service_name(const json_t *service, char *buffer, size_t size)
{
	const char *address = text(service, "address");

	snprintf(buffer, size, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address,
		 (unsigned int)json_integer_value(json_object_get(service, "port")));
	return buffer;
}

void status_print_sources(const json_t *report, const struct screen *s)
{
	const char *look = text(report, "flood_sources");
	const json_t *share = json_object_get(json_object_get(report, "sources"), "few_share");

	if (!strcmp(look, "spoofed"))
		screen_wrap(s, 0,
			    "Its sources are forged at random: to deny any of them is of no use.");
	else if (!strcmp(look, "concentrated"))
		screen_wrap(s, 0,
			    "A few sources send %d %% of it: \"synguard sources --prefix\" names "
			    "them, and \"synguard deny add PREFIX\" stops them.",
			    (int)(json_number_value(share) * 100));
}

/* How many services have it. */
static size_t count(const json_t *services, const char *word)
{
	size_t i, n = 0;
	json_t *service;

	json_array_foreach(services, i, service)
		n += !strcmp(text(service, "trouble"), word);
	return n;
}

bool status_print_no_attack(const json_t *report, const struct screen *s)
{
	static const char *const what[SG_TROUBLE_COUNT] = {
		[SG_TROUBLE_FLASH_CROWD] = "a crowd",
		[SG_TROUBLE_SMALL_BACKLOG] = "a small backlog",
		[SG_TROUBLE_SLOW_ACCEPT] = "connections that nobody accepts",
	};
	const json_t *services = json_object_get(report, "services");
	size_t n, trouble;

	for (trouble = SG_TROUBLE_COUNT - 1; trouble > SG_TROUBLE_NONE; trouble--) {
		n = count(services, words[trouble]);
		if (!n)
			continue;
		screen_wrap(s, 0, "No attack, but %s at %zu of %zu service%s, see below.",
			    what[trouble], n, json_array_size(services),
			    json_array_size(services) == 1 ? "" : "s");
		return true;
	}
	return false;
}

void status_print_troubles(const json_t *report, const struct screen *s)
{
	const json_t *services = json_object_get(report, "services");
	size_t i, told = 0, more = 0;
	json_t *service;
	char name[80];

	json_array_foreach(services, i, service) {
		if (!has_trouble(service))
			continue;
		if (told == WHY_TOLD && !s->wide) {
			more++;
			continue;
		}
		if (!told++)
			putc('\n', s->to);
		screen_wrap(s, 0, "%s: %s", status_service_name(service, name, sizeof(name)),
			    text(service, "trouble_text"));
	}
	if (more)
		screen_wrap(s, 0, "and %zu more (\"synguard listeners\" has them all)", more);
}
