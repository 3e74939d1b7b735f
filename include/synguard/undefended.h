/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What suffers from SYNs and is not defended. The texts are here and nowhere else: the daemon puts
 * them into events and reports, and the CLI prints those.
 *
 * Of several kinds the last one in the table is reported as the worst. In a sentence {rate} stands
 * for SYNs a second, {queue} and {limit} for the length of a SYN queue and its limit, {verdict} and
 * {meaning} for the verdict that its SYNs get and what that means, and {remedy} for what would
 * bring it under defence (SG_REMEDIES).
 */
#pragma once

/* clang-format off */
/*	name           word             what it is */
#define SG_UNDEFENDED(X)                                                                            \
	X(NONE,          "none",          "")                                                         \
	X(CLOSED_PORT,   "closed_port",                                                               \
	  "{rate} SYN/s come for it, where nobody listens, and the host answers each with a reset "   \
	  "unless a firewall does not let it. {remedy}")                                              \
	X(SERVICE,       "service",                                                                   \
	  "{rate} SYN/s are never completed, and it is not defended: {verdict}, {meaning}. {remedy}") \
	X(UNSEEN,        "unseen_syns",                                                               \
	  "Its SYN queue is full ({queue} of {limit}) and nothing defends it: {rate} SYN/s find no "  \
	  "room. {remedy}")

/*	verdict of the SYNs      what would bring them under defence */
#define SG_REMEDIES(X)                                                                              \
	/* of UNSEEN: no verdict, as they were not seen */                                            \
	X(UNDECIDED,       "They come by no interface that synguard is attached to: name it with "    \
			   "Interface= (synguard.conf(5)). What comes over loopback, or is sent "     \
			   "there by a tunnel, cannot be defended.")                                  \
	X(NOT_LOCAL,       "They come for addresses that are not this host's (not_local), as a rule " \
			   "of TPROXY has it: \"ip route add local PREFIX dev lo\" makes them its own.") \
	X(NO_LISTENER,     "Nobody listens on the port that they come for (no_listener), as where a " \
			   "rule redirects them: what listens on that port itself is defended. Of a " \
			   "closed port, have a firewall drop them.")                                 \
	X(SERVICES_FULL,   "The service table is full (services_full): it makes room as services "    \
			   "become idle for 10 s.")                                                   \
	X(UNPROVEN,        "It is defended from its first SYN-ACK or handshake on.")                  \
	X(ANOTHER_WAY_BACK, "Its answers leave by an interface that challenges are not sent out of, "  \
			   "as past a bridge, or where a rule by mark or port leads them.")            \
	X(FORWARDED,       "What is answered by another host is defended there.")                     \
	X(BLOCKED,         "Look for a firewall rule that drops ACKs without a SYN before them.")     \
	X(LEFT_ALONE,      "LeaveAlone= of synguard.conf(5) says so.")                                \
	X(BOUND_ELSEWHERE, "Attach to the device that its sockets are bound to (Interface=).")        \
	X(NAT,             "The kernel's own cookies defend it, with net.ipv4.tcp_syncookies=1; "     \
			   "with 2, which KernelCookies= of synguard.conf(5) allows, synguard "       \
			   "answers with them.")                                                      \
	X(BRIDGE_NETFILTER, "Set net.bridge.bridge-nf-call-iptables and bridge-nf-call-ip6tables to 0; or " \
			   "let synguard set net.ipv4.tcp_syncookies to 2 (KernelCookies= of "        \
			   "synguard.conf(5)).")                                                       \
	X(MPTCP_LISTENER,  "The kernel's own cookies defend it, with net.ipv4.tcp_syncookies=1; "     \
			   "with 2, which KernelCookies= of synguard.conf(5) allows, synguard "       \
			   "answers with them.")                                                      \
	X(SYNCOOKIES_OFF,  "Set net.ipv4.tcp_syncookies to 1.")
/* clang-format on */

#define SG_UNDEFENDED_ENUM_(name, word, sentence) SG_UNDEFENDED_##name,
enum sg_undefended {
	SG_UNDEFENDED(SG_UNDEFENDED_ENUM_) SG_UNDEFENDED_COUNT,
};
#undef SG_UNDEFENDED_ENUM_
