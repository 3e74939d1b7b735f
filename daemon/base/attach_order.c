/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/attach_order.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "synguard/cleanup.h"

static const char *const way_names[] = {
	[WAY_AUTO] = "auto",
	[WAY_NATIVE] = "native",
	[WAY_TCX] = "tcx",
	[WAY_GENERIC] = "generic",
};
static_assert(ARRAY_SIZE(way_names) == WAY_COUNT, "every way has a name");

const char *way_name(enum way way)
{
	return way < WAY_COUNT ? way_names[way] : "unknown";
}

int way_parse(const char *name)
{
	int way;

	for (way = 0; way < WAY_COUNT; way++)
		if (!strcmp(name, way_names[way]))
			return way;
	return -EINVAL;
}
