/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scalars of the report as properties on the bus: a row of SG_REPORT with a property's name is
 * one. They can be read by anybody and written by nobody, and no signal tells of their changes.
 */
#pragma once

#include <systemd/sd-bus.h>

struct report;

/* The userdata of the object; has to outlive the bus. */
struct bus_properties {
	/* Fills the scalars, at no greater cost than copying them: it is called for each. */
	void (*scalars)(void *userdata, struct report *ret);
	void *userdata;
};

/* Adds them to the object, for as long as the bus lives. Beside methods of the same interface. */
int bus_properties_add(sd_bus *bus, const char *path, const char *interface,
		       struct bus_properties *properties);
