/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation: what the daemon may adjust on the host while it lasts, each said once.
 *
 * The rows stand in the order in which the steps are taken; they are undone in reverse. The
 * planner, the record of what was taken, the report, `synguard mitigation` and synguardd(8) are made
 * from them.
 *
 * Columns:
 *	name    SG_MITIGATION_name
 *	word    in the record, the report and on the command line
 *	target  the kernel setting that it writes, or what else it acts on
 *	kind    VALUE: the target is a kernel setting; SOCKETS: it is one of each listener; ACTION: it
 *	        has no value
 *	queue   whether it makes room for more half-open connections: only with few SYN-ACK retries
 *	what    it does
 *	cost    what it costs
 *	undo    how it is undone
 *	when    it is taken and released
 */
#pragma once

/* clang-format off */
#define SG_MITIGATION(X)                                                                                           \
	X(SYNCOOKIES,  "syncookies",     "net.ipv4.tcp_syncookies",      VALUE,   false,                         \
	  "Switches the kernel's SYN cookies on where they are off (0 becomes 1): without them the kernel takes no cookie of ours either.", \
	  "None while no queue is full.",                                                                      \
	  "0 is written back.",                                                                                \
	  "As soon as there is something to defend with, in the modes auto and always; until the mode changes or the daemon ends. With the engine kernel as the others.") \
	X(RETRIES,     "synack_retries", "net.ipv4.tcp_synack_retries",  VALUE,   false,                         \
	  "Sends a SYN-ACK again less often, so that a forged request lives for seconds instead of a minute. Requests that wait already feel it when their timer next fires. Listeners with a TCP_SYNCNT of their own do not, see listener_retries.", \
	  "A client that loses more packets in a row than there are retries has to try again.",                 \
	  "The old number is written back.",                                                                   \
	  "With an attack; released when it has been calm for HoldSec.")                                       \
	X(LISTENER_RETRIES, "listener_retries", "TCP_SYNCNT of listeners",  SOCKETS, false,                         \
	  "The same for listeners with a number of their own, which the host's does not concern; with PerListenerRetries=yes also for those without, where synack_retries is not taken.", \
	  "As of synack_retries.",                                                                             \
	  "The old number is written back. One who had none keeps the host's number of that moment as his own: the kernel takes no number for none.", \
	  "With an attack, also of listeners that come later; released when it has been calm for HoldSec.")    \
	X(LEASE,       "lease",          "defended services",            ACTION,    false,                         \
	  "A service that is defended stays so while the attack lasts, also when its own flood pauses.",       \
	  "Its clients go on being challenged in the pauses.",                                                 \
	  "Leases end by themselves again.",                                                                   \
	  "With an attack; released as soon as it ebbs.")                                                      \
	X(REAP,        "reap",           "half-open connections",       ACTION,    false,                         \
	  "Ends half-open connections of which the SYN-ACK was sent again and not answered for a second, as soon as they are older than they get with few SYN-ACK retries. Those that were answered are left alone, and all those of a listener with TCP_DEFER_ACCEPT. Nothing is sent to anybody.", \
	  "A client that has lost its packets for as long has to try again; where it was only its ACKs that were lost, so that it takes itself for connected, it is reset when it sends. An ACK that comes in the very microseconds between the judgement and the end is reset as one that comes after it.", \
	  "There is nothing to undo.",                                                                         \
	  "With an attack, where the program for it can be loaded, also with the engine kernel; released as soon as it ebbs.") \
	X(SOMAXCONN,   "somaxconn",      "net.core.somaxconn",           VALUE,   true,                          \
	  "Lets backlogs be longer. A listener feels it with its next listen(), running ones do not.",          \
	  "Memory: about half a KiB for each half-open connection more, QueueMemory= at the most.",             \
	  "The old number is written back; a backlog that was asked for meanwhile stays.",                      \
	  "Only where [Mitigation] Somaxconn= is set: with an attack, after synack_retries; released before it.")   \
	X(SYN_BACKLOG, "syn_backlog",    "net.ipv4.tcp_max_syn_backlog", VALUE,   true,                          \
	  "Lets more requests of unknown clients wait. The kernel looks at it only while tcp_syncookies is 0, from three quarters of it on.", \
	  "Memory: about half a KiB for each half-open connection more, QueueMemory= at the most.",             \
	  "The old number is written back.",                                                                   \
	  "Only where [Mitigation] SynBacklog= is set: with an attack, after synack_retries; released before it.")  \
	X(LIVE_BACKLOG, "live_backlog",  "backlogs of listeners",       SOCKETS, true,                          \
	  "Gives a listener whose queue is half full a longer one, up to somaxconn, without its server's doing: by listen() on a copy of its socket.", \
	  "Memory: about 4 KiB for each connection more (half a KiB while it is half-open, the rest while it waits to be accepted), QueueMemory= at the most for all listeners. It takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, which live-backlog.conf gives to the unit.", \
	  "By listen() with the old backlog. A socket that is gone, or that its server has called listen() on meanwhile, is left alone.", \
	  "Only where [Mitigation] LiveBacklog= is set: with an attack, once SYN-ACKs are sent again seldom; released before that ends. Not with MPTCP.")
/* clang-format on */

#define SG_MITIGATION_ENUM_(name, ...) SG_MITIGATION_##name,
enum sg_mitigation_step {
	SG_MITIGATION(SG_MITIGATION_ENUM_) SG_MITIGATION_COUNT,
};
#undef SG_MITIGATION_ENUM_

enum sg_mitigation_kind {
	SG_MITIGATION_VALUE,
	SG_MITIGATION_SOCKETS,
	SG_MITIGATION_ACTION,
};
