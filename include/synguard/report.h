/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report: every figure of synguard, defined once.
 *
 * A row makes the figure's key in the JSON of Describe() and `synguard status --json`, its family
 * in `synguard metrics` and the exporter, its property on the bus, and its line in
 * synguard-metrics(7). The daemon gives `member` of struct report (daemon/report/report.h) its meaning;
 * the CLI knows the JSON alone. Verdicts are counted as well, by the list in synguard/verdict.h.
 *
 * Columns:
 *	type     COUNT (uint64_t), FLAG (bool), INT (int), PORT (uint16_t, host byte order),
 *	         RATIO (double, of no family: its two counts have one each), TEXT (const char *, may
 *	         be NULL), CHARS (char array), ADDRESS (struct sg_addr), or
 *	         WORD: a const char * out of a closed set
 *	member   of the struct that the table is about
 *	path     in the JSON; a dot leads into an object
 *	kind     COUNTER, GAUGE, or NONE where there is no family
 *	family   of metrics; rows that share one differ in `value` and stand one after the other
 *	unit     what the family counts, a part of its name; NULL: it has none
 *	label    out of SG_REPORT_LABELS, and its
 *	value    of a WORD: the closed set, "a|b|c"; the word that holds is 1, the others are 0
 *	property on the bus, or NULL; only in SG_REPORT
 *	meaning  one sentence
 *
 * No label names a source of packets: what an attacker chooses must not become a time series.
 */
#pragma once

/* The closed set of labels. */
#define SG_REPORT_LABELS "interface|family|program|verdict|listener|map|step|engine|kind"

/* Rows of a list beyond this are one series, "other": the values of a label must stay few. */
#define SG_REPORT_MAX_SERIES 64

/* clang-format off */
/*	type     member                          path                            kind     family                                      unit           label        value                         property                 meaning */
#define SG_REPORT(X)                                                                                                                                                                                                 \
	X(TEXT,    version,                        "version",                      NONE,    NULL,                                       NULL,          NULL,        NULL,                         "Version",               "The version of synguardd.") \
	X(WORD,    engine,                         "engine",                       GAUGE,   "synguard_engine",                          NULL,          "engine",    "reqsk|kernel",               "Engine",                "How a cookie becomes a connection.") \
	X(CHARS,   engine_reason,                  "engine_reason",                NONE,    NULL,                                       NULL,          NULL,        NULL,                         "EngineReason",          "Why it is this engine.") \
	X(WORD,    mode,                           "mode",                         GAUGE,   "synguard_mode",                            NULL,          "kind",      "off|observe|auto|always",    "Mode",                  "What the administrator allows.") \
	X(WORD,    mode_by,                        "mode_by",                      NONE,    NULL,                                       NULL,          NULL,        "start|request",              "ModeBy",                "Who set the mode: the start (files, command line), or a request on the bus.") \
	X(WORD,    state,                          "state",                        GAUGE,   "synguard_state",                           NULL,          "kind",      "calm|attack|cooling",        "State",                 "What the detector says.") \
	X(WORD,   kind,                           "kind",                         GAUGE,   "synguard_attack",                          NULL,          "kind",      "none|syn_flood|spoofed|concentrated|ack_flood|syn_and_ack_flood", "Kind", "The floods that make the state attack or cooling; spoofed and concentrated are SYN floods whose sources have that pattern, syn_flood is one without a definite pattern.") \
	X(COUNT,  pulses,                         "pulses",                       GAUGE,   "synguard_attack_pulses",                   "pulses",      NULL,        NULL,                         "Pulses",                "How often the present attack, or the last one, has ebbed and come back before it was over.") \
	X(WORD,   flood_sources,                  "flood_sources",                GAUGE,   "synguard_flood_sources",                   NULL,          "kind",      "none|mixed|spoofed|concentrated", "FloodSources",     "The pattern of the sources of a SYN flood: very many (spoofed), a few that send most of it (concentrated), or neither (mixed).") \
	X(FLAG,   slow,                           "slow_flood",                   GAUGE,   "synguard_slow_flood",                      NULL,          NULL,        NULL,                              "SlowFlood",        "Whether SYNs that are never completed fill some service's SYN queue, however few come in a second.") \
	X(WORD,   trouble,                        "trouble",                      GAUGE,   "synguard_trouble",                         NULL,          "kind",      "none|flash_crowd|small_backlog|slow_accept", "Trouble",     "What looks like an attack on a service and is none; the last in the list that some service has.") \
	X(WORD,    undefended_kind,               "undefended_kind",              GAUGE,   "synguard_undefended",                      NULL,          "kind",      "none|closed_port|service|unseen_syns", "UndefendedKind", "What suffers from SYNs and is not defended: a port where nobody listens, a service, a listener whose SYNs are not seen; the last in the list that there is.") \
	X(COUNT,   uptime_seconds,                 "uptime_seconds",               GAUGE,   "synguard_uptime_seconds",                  "seconds",     NULL,        NULL,                         "UptimeSeconds",         "Time since the daemon started.") \
	X(FLAG,    config_ok,                      "config_ok",                    GAUGE,   "synguard_config_ok",                       NULL,          NULL,        NULL,                         "ConfigOk",              "Whether the configuration that was read last is in force.") \
	X(COUNT,   ticks,                          "ticks",                        COUNTER, "synguard_ticks_total",                     NULL,          NULL,        NULL,                         "Ticks",                 "Ticks of the daemon, one a second.") \
	X(COUNT,   tick_delay_max_microseconds,    "tick_delay_max_microseconds",  NONE,    NULL,                                       NULL,          NULL,        NULL,                         "TickDelayMaxMicroseconds", "By how much a tick has come late, at most.") \
	X(COUNT,   heartbeat_age_seconds,          "heartbeat_age_seconds",        GAUGE,   "synguard_heartbeat_age_seconds",           "seconds",     NULL,        NULL,                         "HeartbeatAgeSeconds",   "Time since the programs last heard of the daemon; from 60 on they challenge nobody.") \
	X(COUNT,   half_open,                      "half_open",                    GAUGE,   "synguard_half_open_connections",           "connections", NULL,        NULL,                         "HalfOpen",              "Half-open connections in the SYN queues of this network namespace.") \
	X(COUNT,   socket_walks,                   "socket_walks",                 COUNTER, "synguard_socket_walks_total",              "walks",       NULL,        NULL,                         "SocketWalks",           "How often all sockets of the host were read to find the half-open ones, because the kernel offers no walk of the listeners.") \
	X(COUNT,   ways_left_out,                  "ways_left_out",                GAUGE,   "synguard_ways_left_out_prefixes",          "prefixes",    NULL,        NULL,                         "WaysLeftOut",           "Prefixes that the host has a way of its own back to, and for which its table had no room; their SYNs are answered by the interface that they came in by.") \
	X(COUNT,   sources_distinct,               "sources.distinct",             GAUGE,   "synguard_sources_distinct",                NULL,          NULL,        NULL,                         "SourcesDistinct",       "Different sources (IPv4 addresses, IPv6 /64) that sent a SYN to a service in the last 9 to 17 seconds, an estimate within some 2 %.") \
	X(COUNT,   sources_syns,                   "sources.syns",                 GAUGE,   "synguard_sources_syns",                    "syns",        NULL,        NULL,                         "SourcesSyns",           "SYNs that these sources sent to services in that time.") \
	X(RATIO,   sources_randomness,             "sources.randomness",           NONE,    NULL,                                       NULL,          NULL,        NULL,                         "SourcesRandomness",     "Different sources for each SYN, 0 to 1: near 1 each SYN is of a source of its own, as forged at random.") \
	X(RATIO,  few_share,                      "sources.few_share",            NONE,    NULL,                                       NULL,          NULL,        NULL,                         "SourcesFewShare",       "Part of the SYNs that are never completed which the eight heaviest prefixes (IPv4 /24, IPv6 /64) send, 0 to 1.") \
	X(WORD,   deny_reason,                    "sources.deny_reason",          NONE,    NULL,                                       NULL,          NULL,        "few_syns|silent|completed|resets", "SourcesDenyReason", "Whether to deny the heaviest source: only where it is silent, that is neither completes handshakes nor resets what it is sent; else its address is forged, or too little is known.") \
	X(COUNT,   syns_per_second,                "rates.syns_per_second",        NONE,    NULL,                                       NULL,          NULL,        NULL,                         "SynsPerSecond",         "SYNs for services, in the last second.") \
	X(COUNT,   challenges_per_second,          "rates.challenges_per_second",  NONE,    NULL,                                       NULL,          NULL,        NULL,                         "ChallengesPerSecond",   "SYNs answered with a cookie, in the last second.") \
	X(COUNT,   acceptances_per_second,         "rates.acceptances_per_second", NONE,    NULL,                                       NULL,          NULL,        NULL,                         "AcceptancesPerSecond",  "ACKs with a valid cookie, in the last second.") \
	X(COUNT,   handshakes_per_second,          "rates.handshakes_per_second",  NONE,    NULL,                                       NULL,          NULL,        NULL,                         "HandshakesPerSecond",   "Handshakes completed at services, challenged or not, in the last second.") \
	X(COUNT,   undefended_syns_per_second,    "rates.undefended_syns_per_second", NONE, NULL,                                      NULL,          NULL,        NULL,                         "UndefendedSynsPerSecond", "SYNs in the last second that belong to no service in the table and are for a port where nobody listens, or found a SYN queue full.") \
	X(COUNT,  bogus_acks_per_second,          "rates.bogus_acks_per_second",  NONE,    NULL,                                       NULL,          NULL,        NULL,                         "BogusAcksPerSecond",    "ACKs for services that belong to no connection and carry no cookie, in the last second, by samples.") \
	X(COUNT,  dropped_acks_per_second,        "rates.dropped_acks_per_second", NONE,    NULL,                                       NULL,          NULL,        NULL,                         "DroppedAcksPerSecond",  "ACKs of a flood that XDP dropped, in the last second.") \
	X(COUNT,   counters[SG_XDP].packets,       "packets.xdp",                  COUNTER, "synguard_packets_total",                   "packets",     "program",   "xdp",                        NULL,                    "Packets that a program saw.") \
	X(COUNT,   counters[SG_INGRESS].packets,   "packets.ingress",              COUNTER, "synguard_packets_total",                   "packets",     "program",   "ingress",                    NULL,                    "Packets that a program saw.") \
	X(COUNT,   counters[SG_EGRESS].packets,    "packets.egress",               COUNTER, "synguard_packets_total",                   "packets",     "program",   "egress",                     NULL,                    "Packets that a program saw.") \
	X(COUNT,  bogus_acks,                     "bogus_acks",                   COUNTER, "synguard_bogus_acks_total",                "acks",        NULL,        NULL,                         "BogusAcks",             "ACKs for services that belonged to no connection and carried no cookie, by samples.") \
	X(COUNT,   mitigation_takes,                  "mitigation_takes",                 COUNTER, "synguard_mitigation_takes_total",              "takes",       NULL,        NULL,                         "MitigationTakes",           "Steps of the mitigation that were taken.") \
	X(COUNT,   mitigation_undos,                  "mitigation_undos",                 COUNTER, "synguard_mitigation_undos_total",              "undos",       NULL,        NULL,                         "MitigationUndos",           "Steps of the mitigation that were undone.") \
	X(COUNT,   mitigation_conflicts,              "mitigation_conflicts",             COUNTER, "synguard_mitigation_conflicts_total",          "conflicts",   NULL,        NULL,                         "MitigationConflicts",       "Steps of the mitigation that another program has overwritten.") \
	X(COUNT,   reaped,                        "reaped",                       COUNTER, "synguard_reaped_connections_total",        "connections", NULL,        NULL,                         "Reaped",                "Half-open connections that were ended early because their SYN-ACK was not answered.") \
	X(COUNT,   service_count,                  "maps.services.entries",        GAUGE,   "synguard_map_entries",                     "entries",     "map",       "services",                   NULL,                    "Entries that a table holds.") \
	X(COUNT,   local_addrs,                    "maps.local_addrs.entries",     GAUGE,   "synguard_map_entries",                     "entries",     "map",       "local_addrs",                NULL,                    "Entries that a table holds.") \
	X(COUNT,   ways,                           "maps.ways.entries",            GAUGE,   "synguard_map_entries",                     "entries",     "map",       "ways",                       NULL,                    "Entries that a table holds.") \
	X(COUNT,   allowed,                        "maps.allow.entries",           GAUGE,   "synguard_map_entries",                     "entries",     "map",       "allow",                      NULL,                    "Entries that a table holds.") \
	X(COUNT,   denied,                         "maps.deny.entries",            GAUGE,   "synguard_map_entries",                     "entries",     "map",       "deny",                       NULL,                    "Entries that a table holds.") \
	X(COUNT,   heavy_hitters,                        "maps.heavy_hitters.entries",         GAUGE,   "synguard_map_entries",                     "entries",     "map",       "heavy_hitters",                    NULL,                    "Entries that a table holds.") \
	X(COUNT,   service_capacity,               "maps.services.capacity",       GAUGE,   "synguard_map_capacity",                    NULL,          "map",       "services",                   NULL,                    "Entries that a table has room for.") \
	X(COUNT,   local_addr_capacity,            "maps.local_addrs.capacity",    GAUGE,   "synguard_map_capacity",                    NULL,          "map",       "local_addrs",                NULL,                    "Entries that a table has room for.") \
	X(COUNT,   way_capacity,                   "maps.ways.capacity",           GAUGE,   "synguard_map_capacity",                    NULL,          "map",       "ways",                       NULL,                    "Entries that a table has room for.") \
	X(COUNT,   allow_capacity,                 "maps.allow.capacity",          GAUGE,   "synguard_map_capacity",                    NULL,          "map",       "allow",                      NULL,                    "Entries that a table has room for.") \
	X(COUNT,   deny_capacity,                  "maps.deny.capacity",           GAUGE,   "synguard_map_capacity",                    NULL,          "map",       "deny",                       NULL,                    "Entries that a table has room for.") \
	X(COUNT,   hitter_capacity,                "maps.heavy_hitters.capacity",        GAUGE,   "synguard_map_capacity",                    NULL,          "map",       "heavy_hitters",                    NULL,                    "Entries that a table has room for.")

/* A row of "interfaces"; the label of its series is interface="NAME". */
#define SG_REPORT_INTERFACES(X)                                                                                                                                                                                      \
	X(CHARS,   name,                           "name",                         NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The interface's name.") \
	X(INT,     index,                          "index",                        NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The interface's index.") \
	X(CHARS,   driver,                         "driver",                       NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The interface's driver.") \
	X(WORD,    attach,                         "attach",                       GAUGE,   "synguard_interface_attached",              NULL,          "kind",      "native|generic|tcx|none",    NULL,                    "How the programs are attached to the interface.") \
	X(FLAG,    answers,                        "answers",                      GAUGE,   "synguard_interface_answers",               NULL,          NULL,        NULL,                         NULL,                    "Whether SYNs that come in by the interface can be challenged.") \
	X(CHARS,   attach_reason,                  "attach_reason",                NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Why they are not attached better.")

/* A row of "services"; the label of its series is listener="ADDRESS:PORT". */
#define SG_REPORT_SERVICES(X)                                                                                                                                                                                        \
	X(ADDRESS, addr,                           "address",                      NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The service's address.") \
	X(PORT,    port,                           "port",                         NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The service's port.") \
	X(FLAG,    defending,                      "defending",                    GAUGE,   "synguard_service_defending",               NULL,          NULL,        NULL,                         NULL,                    "Whether the SYNs of the service are challenged now.") \
	X(FLAG,    blocked,                        "blocked",                      GAUGE,   "synguard_service_blocked",                 NULL,          NULL,        NULL,                         NULL,                    "Whether challenging is suspended because acceptances do not become sockets.") \
	X(FLAG,    proven,                         "proven",                       GAUGE,   "synguard_service_proven",                  NULL,          NULL,        NULL,                         NULL,                    "Whether a SYN-ACK of this host has been seen for the service.") \
	X(WORD,    engine,                         "engine",                       GAUGE,   "synguard_service_engine",                  NULL,          "engine",    "reqsk|listener",             NULL,                    "Whose cookie its challenges carry: reqsk, synguard's own, or listener, the kernel's.") \
	X(CHARS,   engine_reason,                  "engine_reason",                NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Why it is this engine, and what it keeps.") \
	X(TEXT,    hindrance,                      "hindrance",                    NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The verdict that prevents challenges.") \
	X(COUNT,   syns,                           "syns",                         COUNTER, "synguard_service_syns_total",              "syns",        NULL,        NULL,                         NULL,                    "SYNs for the service.") \
	X(COUNT,   challenged,                     "challenged",                   COUNTER, "synguard_service_challenges_total",        "challenges",  NULL,        NULL,                         NULL,                    "SYNs of the service answered with a cookie.") \
	X(COUNT,   accepted,                       "accepted",                     COUNTER, "synguard_service_acceptances_total",       "acceptances", NULL,        NULL,                         NULL,                    "ACKs with a valid cookie handed to the listener.") \
	X(COUNT,   established,                    "established",                  COUNTER, "synguard_service_established_total",       "established", NULL,        NULL,                         NULL,                    "Acceptances that became a socket.") \
	X(COUNT,   handshakes,                     "handshakes",                   COUNTER, "synguard_service_handshakes_total",        "handshakes",  NULL,        NULL,                         NULL,                    "Handshakes completed at the service, challenged or not.") \
	X(COUNT,   filtered,                       "filtered",                     GAUGE,   "synguard_service_filtered_sources",        "sources",     NULL,        NULL,                         NULL,                    "Sources, of late, whose acceptances do not become connections, so that their SYNs are left to the kernel.") \
	X(COUNT,   syn_queue,                      "syn_queue",                    GAUGE,   "synguard_service_syn_queue_connections",   "connections", NULL,        NULL,                         NULL,                    "Half-open connections in the SYN queues of the service's listeners, which other services may share.") \
	X(COUNT,   syn_queue_max,                  "syn_queue_max",                GAUGE,   "synguard_service_syn_queue_limit",         NULL,          NULL,        NULL,                         NULL,                    "Limit of the SYN queues of the service's listeners.") \
	X(COUNT,   accept_queue,                   "accept_queue",                 GAUGE,   "synguard_service_accept_queue_connections", "connections", NULL,       NULL,                         NULL,                    "Completed connections that wait to be accepted.") \
	X(COUNT,   accept_queue_max,               "accept_queue_max",             GAUGE,   "synguard_service_accept_queue_limit",      NULL,          NULL,        NULL,                         NULL,                    "Limit of the accept queues of the service's listeners.") \
	X(COUNT,  baseline_syns_per_second,       "baseline_syns_per_second",     NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "SYNs a second on ordinary days, an average of some ten minutes in which those that complete count.") \
	X(WORD,   trouble,                        "trouble",                      GAUGE,   "synguard_service_trouble",                 NULL,          "kind",      "none|flash_crowd|small_backlog|slow_accept", NULL,          "What looks like an attack on the service and is none.") \
	X(CHARS,  trouble_text,                   "trouble_text",                 NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "What the trouble is, and what to change.") \
	X(CHARS,  lost_text,                      "lost_text",                    NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "What to look for where acceptances do not become connections.")

/* A row of "mitigation", the label of whose series is step="WORD", and of "mitigation_listeners", which
 * has no series. */
#define SG_REPORT_MITIGATION(X) \
	X(TEXT,    step,                          "step",                         NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The step's word.") \
	X(TEXT,    target,                        "target",                       NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "What it acts on: a kernel setting, or else what.") \
	X(FLAG,    allowed,                       "allowed",                      GAUGE,   "synguard_mitigation_step_allowed",             NULL,          NULL,        NULL,                         NULL,                    "Whether [Mitigation] allows the step.") \
	X(FLAG,    taken,                         "taken",                        GAUGE,   "synguard_mitigation_step",                     NULL,          NULL,        NULL,                         NULL,                    "Whether the step is taken.") \
	X(FLAG,    would,                         "would",                        NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Whether the step is due but not taken in mode observe.") \
	X(CHARS,   since,                         "since",                        NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Since when it is taken.") \
	X(COUNT,   old,                           "old",                          NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The value without the step.") \
	X(COUNT,   new,                           "new",                          NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The value with the step.") \
	X(CHARS,   why,                           "why",                          NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Why it is taken, or not.") \
	X(FLAG,    conflict,                      "conflict",                     GAUGE,   "synguard_mitigation_step_conflict",            NULL,          NULL,        NULL,                         NULL,                    "Whether another program has overwritten the step.")

/* A row of "undefended", which has no series: what an attacker chooses must not become one. */
#define SG_REPORT_UNDEFENDED(X) \
	X(WORD,    kind,                          "kind",                         NONE,    NULL,                                       NULL,          NULL,        "none|closed_port|service|unseen_syns", NULL,        "What suffers.") \
	X(CHARS,   name,                          "name",                         NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The listener, the service, or the port.") \
	X(ADDRESS, addr,                          "address",                      NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Its address; of a closed port the one that a SYN was for last.") \
	X(PORT,    port,                          "port",                         NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "Its port; 0: many ports.") \
	X(TEXT,    verdict,                       "verdict",                      NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "The verdict that its SYNs get; null: they are not seen.") \
	X(COUNT,   syns_per_second,               "syns_per_second",              NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "SYNs in the last second that are never completed, or find no room.") \
	X(CHARS,   text,                          "text",                         NONE,    NULL,                                       NULL,          NULL,        NULL,                         NULL,                    "What it is, and what would bring it under defence.")

/* The families that are no row: the verdicts of synguard/verdict.h, and what a scrape says first. */
#define SG_REPORT_VERDICTS_FAMILY  "synguard_verdicts_total"
#define SG_REPORT_VERDICTS_MEANING "Packets by the reason with which they left a program."
#define SG_REPORT_UP_FAMILY        "synguard_up"
#define SG_REPORT_UP_MEANING       "Whether the daemon answers; without it this is the only family."
/* clang-format on */
