/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and sockets as text: 192.0.2.1, 2001:db8::1, 192.0.2.1:80, [2001:db8::1]:80,
 * 192.0.2.0/24. None of it needs to be escaped in JSON.
 */
#pragma once

#include <stdbool.h>

#include "synguard/abi.h"

struct addr_text {
	char text[80];
};

bool addr_is_v4(const struct sg_addr *addr);
bool addr_is_any(const struct sg_addr *addr);

/* Whether a listener on any address, of this family, takes connections to this one. */
bool addr_any_takes(bool ipv6, bool v6only, const struct sg_addr *addr);

/* What is all zero is "::". */
struct addr_text addr_text(const struct sg_addr *addr);
struct addr_text addr_text_socket(const struct sg_addr *addr, __be16 port);
/* The same of a listener, whose any address is 0.0.0.0 where it is one of IPv4. */
struct addr_text addr_text_of_listener(const struct sg_addr *addr, bool ipv6);
struct addr_text addr_text_listener(const struct sg_addr *addr, bool ipv6, __be16 port);

/* The network of an address: /24 of IPv4, /64 of IPv6. */
struct sg_addr addr_network(const struct sg_addr *addr);
struct addr_text addr_text_prefix(const struct sg_addr *network);
