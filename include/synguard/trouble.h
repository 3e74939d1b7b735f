/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Troubles of a service that look like a SYN flood and are none: the cause of most "possible SYN
 * flooding" messages of the kernel. Their texts are here and nowhere else: the daemon puts them into
 * events and reports, and the CLI prints those.
 *
 * Of several troubles the last one in the table is reported. In a sentence {limit} stands for how
 * many connections fit into a queue of the service, {rate} for the connections it completes in a
 * second, {wanted} for a sufficient backlog, and {somaxconn} for what the host needs for that, or
 * for nothing.
 */
#pragma once

/* clang-format off */
/*	name           word             in a table       what it is, and what to change */
#define SG_TROUBLES(X)                                                                              \
	X(NONE,          "none",          "fine",          "")                                            \
	X(FLASH_CROWD,   "flash_crowd",   "flash crowd",                                                \
	  "Many clients connect at once and complete their handshakes: a flash crowd, which is no SYN " \
	  "flood. Nothing has to be changed as long as they connect.")                                         \
	X(SMALL_BACKLOG, "small_backlog", "small backlog",                                              \
	  "Its queues have room for {limit}, and {rate} clients a second complete their handshakes: "    \
	  "the backlog is too small, which is no SYN flood. Have the application call listen() with "   \
	  "{wanted}{somaxconn}.")                                                                       \
	X(SLOW_ACCEPT,   "slow_accept",   "not accepting",                                              \
	  "The accept queue is full: the application does not accept its connections fast enough, "     \
	  "which is no SYN flood. Find out what it waits for, or give it more threads or processes; a " \
	  "longer backlog only makes clients wait longer.")
/* clang-format on */

#define SG_TROUBLE_ENUM_(name, word, label, sentence) SG_TROUBLE_##name,
enum sg_trouble {
	SG_TROUBLES(SG_TROUBLE_ENUM_) SG_TROUBLE_COUNT,
};
#undef SG_TROUBLE_ENUM_
