/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus/properties.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/report/report.h"

/* Start and end of a vtable, and as many properties as a report may have scalars. */
#define BUS_PROPERTIES_MAX 64

static const char *bus_properties_signature(enum report_type type)
{
	switch (type) {
	case REPORT_COUNT:
		return "t";
	case REPORT_FLAG:
		return "b";
	case REPORT_INT:
		return "i";
	case REPORT_PORT:
		return "q";
	case REPORT_RATIO:
		return "d";
	case REPORT_TEXT:
	case REPORT_CHARS:
	case REPORT_WORD:
		return "s";
	case REPORT_ADDRESS:
		return "";
	}
	return "";
}

static int bus_properties_append(sd_bus_message *reply, const struct report_row *row,
				 const struct report *report)
{
	const void *member = (const char *)report + row->offset;

	switch (row->type) {
	case REPORT_COUNT:
		return sd_bus_message_append(reply, "t", *(const uint64_t *)member);
	case REPORT_FLAG:
		return sd_bus_message_append(reply, "b", *(const bool *)member);
	case REPORT_INT:
		return sd_bus_message_append(reply, "i", *(const int *)member);
	case REPORT_PORT:
		return sd_bus_message_append(reply, "q", *(const uint16_t *)member);
	case REPORT_RATIO:
		return sd_bus_message_append(reply, "d", *(const double *)member);
	case REPORT_TEXT:
	case REPORT_WORD:
		return sd_bus_message_append(reply, "s", *(const char *const *)member ?: "");
	case REPORT_CHARS:
		return sd_bus_message_append(reply, "s", (const char *)member);
	case REPORT_ADDRESS:
		break;
	}
	return -EINVAL;
}

static int bus_properties_get(sd_bus *bus, const char *path, const char *interface,
			      const char *property, sd_bus_message *reply, void *userdata,
			      sd_bus_error *error)
{
	const struct bus_properties *p = userdata;
	const struct report_row *rows;
	struct report report = {};
	size_t count, i;

	rows = report_rows(&count);
	for (i = 0; i < count; i++) {
		if (!rows[i].property || strcmp(rows[i].property, property) != 0)
			continue;
		p->scalars(p->userdata, &report);
		return bus_properties_append(reply, &rows[i], &report);
	}
	return -ENOENT;
}

/* Made once: sd-bus keeps a pointer to it. NULL: there are more rows than room. */
static const sd_bus_vtable *bus_properties_vtable(void)
{
	static sd_bus_vtable vtable[BUS_PROPERTIES_MAX];
	static bool made;
	const struct report_row *rows;
	size_t count, i, n = 0;

	if (made)
		return vtable;
	vtable[n++] = (sd_bus_vtable)SD_BUS_VTABLE_START(0);
	rows = report_rows(&count);
	for (i = 0; i < count; i++) {
		if (!rows[i].property)
			continue;
		if (n == BUS_PROPERTIES_MAX - 1)
			return NULL;
		vtable[n++] = (sd_bus_vtable)SD_BUS_PROPERTY(rows[i].property,
							     bus_properties_signature(rows[i].type),
							     bus_properties_get, 0, 0);
	}
	vtable[n] = (sd_bus_vtable)SD_BUS_VTABLE_END;
	made = true;
	return vtable;
}

int bus_properties_add(sd_bus *bus, const char *path, const char *interface,
		       struct bus_properties *properties)
{
	const sd_bus_vtable *vtable = bus_properties_vtable();

	if (!vtable)
		return -E2BIG;
	/* no slot: it goes with the bus */
	return sd_bus_add_object_vtable(bus, NULL, path, interface, vtable, properties);
}
