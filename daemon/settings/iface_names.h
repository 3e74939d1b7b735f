/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces the admin means: names, patterns and exclusions.
 *
 *	eth0	this one, whatever it is
 *	eth*	every Ethernet device whose name matches (fnmatch(3))
 *	auto	every real Ethernet device that is up: none that the kernel knows by a kind (veth,
 *		bridge, bond, vlan), since those sit on real ones. The slaves of a bond are real
 *		ones, the bond is not.
 *	!eth1	not this one, nor what matches the pattern behind the "!"; nothing but exclusions
 *		means "auto" without those
 *
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define IFACE_NAMES_AUTO "auto"

/* What has to be known of an interface. */
struct iface_names_device {
	const char *name;
	bool up;
	bool ethernet; /* its frames have an Ethernet header, and it is not the loopback */
	bool virtual;
};

/* Whether the word can be the name of an interface, a pattern or an exclusion at all. */
bool iface_names_valid(const char *word);

/* Whether the words, in whatever order, mean this interface. None at all mean none. */
bool iface_names_match(const char *const *words, size_t count, const struct iface_names_device *d);

/* Whether this one word, which is no exclusion, means it. */
bool iface_names_match_one(const char *word, const struct iface_names_device *d);
