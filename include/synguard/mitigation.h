/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mitigation: the steps by which the daemon may adjust the host during an attack.
 *
 * Steps are taken in the order of the rows and undone in reverse. The planner, the record of what
 * was taken, the report, `synguard mitigation` and synguardd(8) are made from these rows.
 *
 * Columns:
 *	name    SG_MITIGATION_name
 *	word    in the record, the report and on the command line
 *	target  the kernel setting that it writes, or what else it acts on
 *	kind    VALUE: the target is a kernel setting; SOCKETS: a value of each listener; ACTION: there
 *	        is no value
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
	  "Switches the kernel's SYN cookies on where they are off (0 becomes 1): without them the kernel does not accept synguard's cookies either.", \
	  "None while no queue is full.",                                                                      \
	  "0 is written back.",                                                                                \
	  "In the modes auto and always, from the start of the daemon until the mode changes or the daemon ends. With the engine kernel as the other steps.") \
	X(TIMESTAMPS,  "timestamps",     "net.ipv4.tcp_timestamps",      VALUE,   false,                         \
	  "Takes the secret offset off the timestamps of new connections (1 becomes 2), so that challenges with the kernel's cookies keep window scaling, SACK and ECN; without it they keep an MSS alone.", \
	  "Timestamps show the host's uptime. Where this host, as a client, uses a port again within a minute to the same server, that one may answer its first SYN late. In the two seconds before each change cookies, also those of services that nobody attacks, keep an MSS alone: no handshake that is under way is lost.", \
	  "1 is written back, two seconds after kernel_cookies is undone: until then cookies with the other timestamps may be under way.", \
	  "With kernel_cookies, two seconds after it.")                                                         \
	X(KERNEL_COOKIES, "kernel_cookies", "net.ipv4.tcp_syncookies",   VALUE,   false,                         \
	  "Has the kernel make a cookie whenever it is asked for one (1 becomes 2), so that services with engine listener are challenged: those behind NAT, and MPTCP listeners.", \
	  "What is not challenged by synguard gets a cookie of the kernel's, on all listeners of the host: without TCP Fast Open, and without MPTCP where synguard challenges.", \
	  "1 is written back, and with that these challenges end.",                                            \
	  "When the SYN queue of a service with engine listener calls for defence, at once; in the mode always as soon as there is such a service. Released when no such service is defended and it has been calm for HoldSec.") \
	X(RETRIES,     "synack_retries", "net.ipv4.tcp_synack_retries",  VALUE,   false,                         \
	  "Retransmits SYN-ACKs less often, so that a forged request lives for seconds instead of a minute. For requests that wait already it takes effect when their timer next fires. It has no effect on listeners with TCP_SYNCNT set, see listener_retries.", \
	  "A client that loses more packets in a row than there are retries has to connect again.",                 \
	  "The old number is written back.",                                                                   \
	  "With an attack; released when it has been calm for HoldSec.")                                       \
	X(LISTENER_RETRIES, "listener_retries", "TCP_SYNCNT of listeners",  SOCKETS, false,                         \
	  "The same for listeners with TCP_SYNCNT set, on which synack_retries has no effect; with PerListenerRetries=yes also for those without, where synack_retries is not taken.", \
	  "As of synack_retries.",                                                                             \
	  "The old number is written back. A listener that had none gets the host's number of that moment: TCP_SYNCNT cannot be unset.", \
	  "With an attack, also of listeners that come later; released when it has been calm for HoldSec.")    \
	X(LEASE,       "lease",          "defended services",            ACTION,    false,                         \
	  "A service that is defended stays so until the attack is over, also while its own flood pauses.",       \
	  "Its clients go on being challenged in the pauses.",                                                 \
	  "Leases end by themselves again.",                                                                   \
	  "With an attack; released when it has been calm for HoldSec.")                                                      \
	X(REAP,        "reap",           "half-open connections",       ACTION,    false,                         \
	  "Ends half-open connections whose SYN-ACK was retransmitted and not answered within a second, as soon as they are older than few SYN-ACK retries let them become. Those that were answered are left alone, and so are all of a listener with TCP_DEFER_ACCEPT. No packet is sent.", \
	  "A client that loses its packets for as long has to connect again. If only its ACKs were lost, it takes itself for connected, and is reset when it sends data. An ACK that arrives in the microseconds between the judgement and the end is reset as one that arrives later.", \
	  "There is nothing to undo.",                                                                         \
	  "With an attack, where the program for it can be loaded, also with the engine kernel; released when it has been calm for HoldSec.") \
	X(SOMAXCONN,   "somaxconn",      "net.core.somaxconn",           VALUE,   true,                          \
	  "Allows longer backlogs. It takes effect at a listener's next listen().",          \
	  "Memory: about half a KiB for each additional half-open connection, at most QueueMemory=.",             \
	  "The old number is written back; a backlog that a server has set meanwhile stays.",                      \
	  "Only where [Mitigation] Somaxconn= is set: with an attack, after synack_retries; released before it.")   \
	X(SYN_BACKLOG, "syn_backlog",    "net.ipv4.tcp_max_syn_backlog", VALUE,   true,                          \
	  "Lets more requests of unknown clients wait. The kernel uses it only while tcp_syncookies is 0, from three quarters of it on.", \
	  "Memory: about half a KiB for each additional half-open connection, at most QueueMemory=.",             \
	  "The old number is written back.",                                                                   \
	  "Only where [Mitigation] SynBacklog= is set: with an attack, after synack_retries; released before it.")  \
	X(LIVE_BACKLOG, "live_backlog",  "backlogs of listeners",       SOCKETS, true,                          \
	  "Gives a listener whose queue is half full a longer one, up to somaxconn, by listen() on a copy of its socket; the server takes no part in it.", \
	  "Memory: about 4 KiB for each additional connection (half a KiB while it is half-open, the rest while it waits to be accepted), at most QueueMemory= for all listeners. It takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, which live-backlog.conf gives to the unit.", \
	  "listen() with the old backlog. A socket that is closed, or on which its server has called listen() meanwhile, is left alone.", \
	  "Only where [Mitigation] LiveBacklog= is set: with an attack, once SYN-ACKs are retransmitted seldom; released before they are retransmitted more often. Not with MPTCP.")
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
