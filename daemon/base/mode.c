/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/mode.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

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
	int mode;

	for (mode = 0; mode < SG_MODE_COUNT; mode++)
		if (!strcmp(name, mode_names[mode]))
			return mode;
	return -EINVAL;
}
