/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and sockets as text: 192.0.2.1, 2001:db8::1, 192.0.2.1:80, [2001:db8::1]:80,
 * 192.0.2.0/24. None of it needs to be escaped in JSON.
 */
#pragma once

#include <stdbool.h>

#include "synguard/abi.h"

struct addrtext {
	char text[80];
};

bool addrtext_is_v4(const struct sg_addr *addr);
bool addrtext_is_any(const struct sg_addr *addr);

/* Whether a listener on any address, of this family, takes connections to this one. */
bool addrtext_any_takes(bool ipv6, bool v6only, const struct sg_addr *addr);

/* What is all zero is "::". */
struct addrtext addrtext(const struct sg_addr *addr);
struct addrtext addrtext_socket(const struct sg_addr *addr, __be16 port);
/* The same of a listener, whose any address is 0.0.0.0 where it is one of IPv4. */
struct addrtext addrtext_of_listener(const struct sg_addr *addr, bool ipv6);
struct addrtext addrtext_listener(const struct sg_addr *addr, bool ipv6, __be16 port);

/* The network of an address: /24 of IPv4, /64 of IPv6. */
struct sg_addr addrtext_network(const struct sg_addr *addr);
struct addrtext addrtext_prefix(const struct sg_addr *network);
