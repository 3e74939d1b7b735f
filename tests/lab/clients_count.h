/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the client engine notes of each client, and how that is summed up.
 */
#pragma once

#include "tests/lab/clients.h"

enum client_state {
	CLIENT_NOT_STARTED,
	CLIENT_CONNECTING,
	CLIENT_ECHOING,
	CLIENT_CONNECTED,
	CLIENT_FAILED,
};

struct client {
	int fd;
	enum client_state state;
	bool v6;
	int err;
	size_t received;
	uint64_t start_ns;
	uint64_t connect_ns; /* since start_ns */
	uint64_t echo_ns;
};

/* Counts @n clients into @ret, whose arrays it allocates. -ENOMEM. */
int clients_count(const struct client *all, size_t n, struct clients_result *ret);
