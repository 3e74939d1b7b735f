/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Verdicts: the one reason with which a packet left one of our programs.
 *
 * This list is the only one. The BPF programs return its constants, and metrics, bus, CLI and tests
 * take the labels and the meanings from it. The action belongs to the verdict: no step of a
 * program knows an XDP or tc return code, and no packet is handled without a counted reason.
 *
 * Invariant: for each program, the verdicts add up to the packets it saw.
 *
 * A row names the programs that may give the verdict. The kernel's enum skb_drop_reason is the
 * precedent for one reason per way out.
 */
#pragma once

/* The programs that see packets; also the index into the counters. */
enum sg_program {
	SG_XDP,
	SG_INGRESS,
	SG_EGRESS,
	SG_PROGRAM_COUNT,
};

#define SG_IN_XDP     (1u << SG_XDP)
#define SG_IN_INGRESS (1u << SG_INGRESS)
#define SG_IN_EGRESS  (1u << SG_EGRESS)
#define SG_IN_ANY     (SG_IN_XDP | SG_IN_INGRESS | SG_IN_EGRESS)
/* where a SYN is judged: ingress does where XDP cannot be had */
#define SG_IN_SYN (SG_IN_XDP | SG_IN_INGRESS)

/*
 * PASS hands the packet to whatever comes next, untouched. REQUEUE puts it behind the batch that it
 * came in, to be seen once more when those before it have reached the stack.
 */
enum sg_action {
	SG_PASS,
	SG_REPLY,
	SG_DROP,
	SG_REQUEUE,
};

/* clang-format off */
/*	programs      name                    action   label                     what it means */
#define SG_VERDICTS(X)                                                                                                                                                \
	/* what could not be, or need not be, understood */                                                                                                           \
	X(SG_IN_ANY,    UNDECIDED,              PASS,    "undecided",              "No step decided: a bug in synguard")                                              \
	X(SG_IN_ANY,    NOT_IP,                 PASS,    "not_ip",                 "Neither IPv4 nor IPv6")                                                           \
	X(SG_IN_ANY,    NOT_TCP,                PASS,    "not_tcp",                "IP, but not TCP")                                                                 \
	X(SG_IN_ANY,    TRUNCATED,              PASS,    "truncated",              "Shorter than its headers say")                                                    \
	X(SG_IN_ANY,    FRAGMENT,               PASS,    "fragment",               "A fragment of an IP packet")                                                      \
	X(SG_IN_ANY,    EXT_CHAIN,              PASS,    "ext_chain",              "IPv6 extension headers too many or of a kind not followed")                       \
	X(SG_IN_ANY,    VLAN_DEPTH,             PASS,    "vlan_depth",             "More than two VLAN tags")                                                         \
	X(SG_IN_ANY,    MALFORMED,              PASS,    "malformed",              "Header fields that contradict each other or cannot be answered")                  \
	/* XDP: not a SYN to be judged */                                                                                                                             \
	X(SG_IN_XDP,    MODE_OFF,               PASS,    "mode_off",               "Mode is off, nothing was inspected")                                              \
	X(SG_IN_XDP,    NOT_SYN,                PASS,    "not_syn",                "TCP, but not a connection request")                                               \
	X(SG_IN_SYN,    MULTICAST,              PASS,    "multicast",              "SYN in a broadcast or multicast frame")                                           \
	X(SG_IN_SYN,    OTHER_HOST,             PASS,    "other_host",             "SYN, ACK or reset in a frame for the MAC address of another machine")             \
	X(SG_IN_XDP,    BOGUS_ACK,              DROP,    "bogus_ack",              "ACK of a flood that belongs to no socket and carries no cookie")                  \
	/* SYN of a source that the administrator has named */                                                                                                        \
	X(SG_IN_SYN,    ALLOWED,                PASS,    "allowed",                "SYN of a source on the allow list")                                               \
	X(SG_IN_SYN,    DENIED,                 DROP,    "denied",                 "SYN for this host of a source on the deny list")                                  \
	/* SYN whose client the host reaches by another interface */                                                                                                   \
	X(SG_IN_XDP,    HANDED_OVER,            PASS,    "handed_over",            "SYN left to ingress, as the way back is another interface or another next hop")    \
	/* SYN of something that is not a service of this host */                                                                                                     \
	X(SG_IN_SYN,    NOT_LOCAL,              PASS,    "not_local",              "SYN for an address that is not this host's")                                      \
	X(SG_IN_SYN,    NO_LISTENER,            PASS,    "no_listener",            "SYN for a port that nobody listens on")                                           \
	X(SG_IN_SYN,    SERVICES_FULL,          PASS,    "services_full",          "SYN of a service for which the service table had no room")                        \
	/* SYN of a service that is idle */                                                                                                                           \
	X(SG_IN_SYN,    SYN_ADMITTED,           PASS,    "syn_admitted",           "SYN let through, its service is idle")                                            \
	X(SG_IN_SYN,    SYN_VERIFIED,           PASS,    "syn_verified",           "SYN of a client that completed a handshake within the hour")                      \
	X(SG_IN_SYN,    SYN_SAMPLED,            PASS,    "syn_sampled",            "SYN let through, one a minute, so that the service's own SYN-ACK is seen")        \
	/* SYN that would have been challenged, but */                                                                                                                \
	X(SG_IN_SYN,    OBSERVED,               PASS,    "observed",               "SYN that mode auto would have challenged")                                        \
	X(SG_IN_SYN,    HEARTBEAT_LOST,         PASS,    "heartbeat_lost",         "No heartbeat of the daemon for a minute")                                         \
	X(SG_IN_SYN,    UNPROVEN,               PASS,    "unproven",               "No SYN-ACK of this host has been seen for the service yet")                       \
	X(SG_IN_SYN,    FORWARDED,              PASS,    "forwarded",              "The service is answered by another host behind this one")                         \
	X(SG_IN_SYN,    SYNPROXY,               PASS,    "synproxy",               "SYNPROXY in this host's firewall answers for the service")                        \
	X(SG_IN_SYN,    BLOCKED,                PASS,    "blocked",                "Acceptances of the service do not become connections")                            \
	X(SG_IN_SYN,    LEFT_ALONE,             PASS,    "left_alone",             "The administrator wants the service left alone")                                  \
	X(SG_IN_SYN,    BOUND_ELSEWHERE,        PASS,    "bound_elsewhere",        "The service is bound to a device above this one")                                 \
	X(SG_IN_SYN,    NAT,                    PASS,    "nat",                    "NAT in this network namespace would undo the acceptance")                         \
	X(SG_IN_SYN,    BRIDGE_NETFILTER,       PASS,    "bridge_netfilter",       "br_netfilter takes an acceptance off its ACK; the kernel's own cookies pass it")   \
	X(SG_IN_SYN,    STRICT_CONNTRACK,       PASS,    "strict_conntrack",       "Conntrack takes no ACK whose SYN it has not seen: nf_conntrack_tcp_loose is 0")   \
	X(SG_IN_SYN,    LINK_LOCAL,             PASS,    "link_local",             "SYN for a link-local address, whose sockets are bound to a device")               \
	X(SG_IN_SYN,    MPTCP_LISTENER,         PASS,    "mptcp_listener",         "The listener speaks MPTCP, which a challenge does not carry; the kernel's own cookies do") \
	X(SG_IN_SYN,    SYNCOOKIES_OFF,         PASS,    "syncookies_off",         "tcp_syncookies is 0, the kernel would reset the client")                          \
	X(SG_IN_SYN,    ACCEPT_FULL,            DROP,    "accept_full",            "The accept queue is full, the kernel would drop the SYN too")                     \
	X(SG_IN_SYN,    SIGNED,                 PASS,    "signed",                 "SYN with a TCP-MD5 or TCP-AO signature")                                          \
	X(SG_IN_SYN,    PORT_ZERO,              DROP,    "port_zero",              "SYN from port 0, which no client has, of a defended service")                     \
	X(SG_IN_SYN,    QINQ,                   PASS,    "qinq",                   "SYN with two VLAN tags")                                                          \
	X(SG_IN_SYN,    VLAN_DIFFERS,           PASS,    "vlan_differs",           "SYN whose VLAN is not the one the service answers on")                            \
	X(SG_IN_SYN,    MSS_LOW,                PASS,    "mss_low",                "SYN with an MSS below 536 (IPv4) or 1220 (IPv6), the queue not full")             \
	X(SG_IN_SYN,    TIME_WAIT,              PASS,    "time_wait",              "SYN of a connection in TIME_WAIT, which tcp_rfc1337 keeps")                       \
	X(SG_IN_SYN,    OWN_SOURCE,             PASS,    "own_source",             "SYN from outside with an address of this host as its source")                     \
	X(SG_IN_SYN,    FILTERED_SOURCE,        PASS,    "filtered_source",        "SYN of a source whose acceptances do not become connections")                     \
	X(SG_IN_SYN,    OVER_BUDGET,            DROP,    "over_budget",            "SYN of a source that answers none of its many challenges")                        \
	X(SG_IN_SYN,    ANOTHER_WAY_BACK,       PASS,    "another_way_back",       "SYN whose way back is an interface that challenges are not sent out of")          \
	X(SG_IN_SYN,    NO_WAY_BACK,            PASS,    "no_way_back",            "SYN from where this host has no route to, or refuses by rp_filter")               \
	X(SG_IN_SYN,    NO_ROOM,                PASS,    "no_room",                "No room for the reply, or its checksum cannot be completed")                      \
	X(SG_IN_SYN,    TUPLE_KNOWN,            PASS,    "tuple_known",            "SYN of an address and port that a socket has, of a service with engine listener") \
	X(SG_IN_SYN,    COOKIE_REFUSED,         PASS,    "cookie_refused",         "The kernel made no cookie for the SYN, of a service with engine listener")        \
	/* challenges */                                                                                                                                              \
	X(SG_IN_SYN,    CHALLENGED,             REPLY,   "challenged",             "SYN answered with a cookie that keeps what it offered")                           \
	X(SG_IN_SYN,    CHALLENGED_PLAIN,       REPLY,   "challenged_plain",       "SYN answered with a cookie that loses some of its options")                       \
	/* ingress: not an ACK to be judged */                                                                                                                        \
	X(SG_IN_INGRESS,SYN,                    PASS,    "syn",                    "SYN that was not judged here")                                                    \
	X(SG_IN_INGRESS,NOT_ACK,                PASS,    "not_ack",                "TCP that cannot answer a challenge (RST, SYN-ACK)")                               \
	X(SG_IN_INGRESS,IDLE_ACK,               PASS,    "idle_ack",               "ACK for a service without recent challenges")                                     \
	X(SG_IN_INGRESS,OTHER_ACK,              PASS,    "other_ack",              "ACK that carries no cookie of ours")                                              \
	X(SG_IN_INGRESS,KERNEL_ACK,             PASS,    "kernel_ack",             "ACK with a cookie of the kernel, of a service with engine listener")              \
	/* ingress: ACK with a valid cookie */                                                                                                                        \
	X(SG_IN_INGRESS,ACCEPTED,               PASS,    "accepted",               "ACK with a valid cookie, handed to the listener")                                 \
	X(SG_IN_INGRESS,ACCEPTED_LATER,         PASS,    "accepted_later",         "ACK with a valid cookie that met a full accept queue")                            \
	X(SG_IN_INGRESS,         REQUEUED,        REQUEUE,"requeued",        "Data or a reset in one batch with the ACK before it, which goes first") \
	X(SG_IN_INGRESS,ALREADY_CONNECTED,      PASS,    "already_connected",      "ACK with a valid cookie of a connection that exists")                             \
	X(SG_IN_INGRESS,CLEARED,                PASS,    "cleared",                "ACK with a valid cookie that removed an old socket with its tuple")               \
	X(SG_IN_INGRESS,REPLAYED,               PASS,    "replayed",               "ACK with a valid cookie of a connection that has ended")                          \
	X(SG_IN_INGRESS,TUPLE_IN_USE,           PASS,    "tuple_in_use",           "ACK with a valid cookie whose tuple an old connection has, perhaps alive")        \
	X(SG_IN_INGRESS,LISTENER_GONE,          PASS,    "listener_gone",          "ACK with a valid cookie, but there is no listener any more")                      \
	X(SG_IN_INGRESS,REFUSED,                PASS,    "refused",                "ACK with a valid cookie that the kernel would not take")                          \
	X(SG_IN_INGRESS,DEFERRED,               DROP,    "deferred",               "ACK with a valid cookie while tcp_syncookies is 0")                               \
	X(SG_IN_INGRESS,EARLY_DATA,             DROP,    "early_data",             "Data that overtook the ACK of its challenge; sent again later")                   \
	/* egress */                                                                                                                                                  \
	X(SG_IN_EGRESS, NOT_SYNACK,             PASS,    "not_synack",             "TCP, but not a SYN-ACK")                                                          \
	X(SG_IN_EGRESS, OWN_SYNACK,             PASS,    "own_synack",             "SYN-ACK of this host: its service is proven")                                     \
	X(SG_IN_EGRESS, OWN_REPLY,              PASS,    "own_reply",              "Challenge that ingress answered a SYN with")                                      \
	X(SG_IN_EGRESS, FORWARDED_SYNACK,       PASS,    "forwarded_synack",       "SYN-ACK of another host that passes through this one")                            \
	X(SG_IN_EGRESS, SYNPROXY_SYNACK,        PASS,    "synproxy_synack",        "SYN-ACK of SYNPROXY in this host's firewall")                                     \
	X(SG_IN_EGRESS, SYNACK_UNKNOWN_SERVICE, PASS,    "synack_unknown_service", "SYN-ACK of this host for a service that is not in the table")
/* clang-format on */

#define SG_VERDICT_ENUM_(programs, name, action, label, meaning) SG_V_##name,
enum sg_verdict {
	SG_VERDICTS(SG_VERDICT_ENUM_) SG_VERDICT_COUNT,
};
#undef SG_VERDICT_ENUM_

/* What is in the way of engine reqsk and not of engine listener, whose cookies are the kernel's own. */
static inline __attribute__((always_inline)) int sg_is_for_listener(enum sg_verdict hindrance)
{
	return hindrance == SG_V_NAT || hindrance == SG_V_MPTCP_LISTENER ||
	       hindrance == SG_V_BRIDGE_NETFILTER;
}

/* What a step returns when it leaves the packet to the next one. Counted only if no step decides. */
#define SG_UNDECIDED SG_V_UNDECIDED
