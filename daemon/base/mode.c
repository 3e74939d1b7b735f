/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/mode.h"

#include <assert.h>

#include "synguard/cleanup.h"

#include "daemon/base/text.h"

static const char *const mode_names[] = {
	[SG_MODE_OFF] = "off",
	[SG_MODE_OBSERVE] = "observe",
	[SG_MODE_AUTO] = "auto",
	[SG_MODE_ALWAYS] = "always",
};
static_assert(ARRAY_SIZE(mode_names) == SG_MODE_COUNT, "every mode has a name");

const char *mode_name(enum sg_mode mode)
{
	return mode < SG_MODE_COUNT ? mode_names[mode] : "unknown";
}

int mode_parse(const char *name)
{
	return text_find(mode_names, SG_MODE_COUNT, name);
}

static const char *const attach_mode_names[] = {
	[ATTACH_MODE_AUTO] = "auto",
	[ATTACH_MODE_NATIVE] = "native",
	[ATTACH_MODE_TCX] = "tcx",
	[ATTACH_MODE_GENERIC] = "generic",
};
static_assert(ARRAY_SIZE(attach_mode_names) == ATTACH_MODE_COUNT, "every attach mode has a name");

const char *attach_mode_name(enum attach_mode mode)
{
	return mode < ATTACH_MODE_COUNT ? attach_mode_names[mode] : "unknown";
}

int attach_mode_parse(const char *name)
{
	return text_find(attach_mode_names, ATTACH_MODE_COUNT, name);
}
