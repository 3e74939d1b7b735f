/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/attach_mode.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

static const char *const attach_mode_names[] = {
	[ATTACH_MODE_AUTO] = "auto",
	[ATTACH_MODE_NATIVE] = "native",
	[ATTACH_MODE_TCX] = "tcx",
	[ATTACH_MODE_GENERIC] = "generic",
};
static_assert(ARRAY_SIZE(attach_mode_names) == ATTACH_MODE_COUNT, "every way has a name");

const char *attach_mode_name(enum attach_mode way)
{
	return way < ATTACH_MODE_COUNT ? attach_mode_names[way] : "unknown";
}

int attach_mode_parse(const char *name)
{
	int way;

	for (way = 0; way < ATTACH_MODE_COUNT; way++)
		if (!strcmp(name, attach_mode_names[way]))
			return way;
	return -EINVAL;
}
