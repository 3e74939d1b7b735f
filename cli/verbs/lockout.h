/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom the caller should not deny without being asked twice, as far as only the caller can see it:
 * the other end of this SSH session, and the gateways of this host.
 */
#pragma once

/* Lines "ADDRESS WHAT", to be freed; NULL without memory. */
char *lockout_lines(void);

/* The client's address in SSH_CONNECTION of this process or of one that it descends from (sudo(8)
 * takes the variable away); "" where there is none. */
void lockout_ssh_client(char *ret, unsigned int size);
