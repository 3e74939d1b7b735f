/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Troubles of a service that look like a SYN flood and are none: what most "possible SYN flooding"
 * messages of the kernel are about. Each has its words here and nowhere else: the daemon says them
 * in events and reports, and the CLI prints what the daemon says.
 *
 * Of several the last one in the table is told. In a sentence {limit} stands for how many fit into
 * a queue of the service, {rate} for the connections it completes in a second, {wanted} for a
 * backlog that would do, and {somaxconn} for what that takes of the host, or for nothing.
 */
#pragma once

/* clang-format off */
/*	name           word             in a table       what it is, and what to change */
#define SG_TROUBLES(X)                                                                              \
	X(NONE,          "none",          "fine",          "")                                            \
	X(FLASH_CROWD,   "flash_crowd",   "flash crowd",                                                \
	  "Many clients come at once and complete their handshakes: a crowd, which is no SYN flood. "    \
	  "Nothing has to be changed as long as they connect.")                                         \
	X(SMALL_BACKLOG, "small_backlog", "small backlog",                                              \
	  "Its queues have room for {limit}, and {rate} clients a second complete their handshakes: "    \
	  "the backlog is small, which is no SYN flood. Have the application call listen() with "       \
	  "{wanted}{somaxconn}.")                                                                       \
	X(SLOW_ACCEPT,   "slow_accept",   "not accepting",                                              \
	  "The accept queue is full: the application does not accept its connections fast enough, "     \
	  "which is no SYN flood. See what it waits for, or give it more threads or processes; a "      \
	  "longer backlog only lets clients wait longer.")
/* clang-format on */

#define SG_TROUBLE_ENUM_(name, word, label, sentence) SG_TROUBLE_##name,
enum sg_trouble {
	SG_TROUBLES(SG_TROUBLE_ENUM_) SG_TROUBLE_COUNT,
};
#undef SG_TROUBLE_ENUM_
