/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Privilege given up: after the programs are loaded CAP_NET_ADMIN is all that is needed. */
#pragma once

/*
 * Keeps CAP_NET_ADMIN and nothing else, for good: permitted, effective, bounding and ambient sets,
 * and no new privileges by execve(). Without the right to shrink the bounding set (CAP_SETPCAP)
 * that one stays, and the rest is done. -errno.
 */
int caps_keep_net_admin(void);
