/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: the changes that an administrator wants to know of.
 *
 * A row defines an event: its name, word, MESSAGE_ID in the journal, priority, sentence and fields.
 * The daemon's ring, the bus, the journal and `synguard events` use it, and a test compares the
 * message catalog with it.
 *
 * In a sentence {x} stands for the value of the field x, and {:x} for ": value", or for nothing
 * where the value is empty. The fields are separated by spaces; a record has all of them. In the
 * journal the field x is SYNGUARD_X.
 *
 * No event reports a packet, and none repeats every second.
 */
#pragma once

#include <syslog.h>

/* clang-format off */
/*	name             word                 MESSAGE_ID                          priority     sentence; fields */
#define SG_EVENTS(X)                                                                                             \
	X(STARTED,        "started",          "3acae65b17c441caa1e95061b9da57ab", LOG_NOTICE,                     \
	  "synguardd {version} has started, mode {mode}, engine {engine}",                                        \
	  "version mode engine")                                                                                  \
	X(CONTINUED,      "continued",        "b1ecf1861d134fc2a121362ae02484a6", LOG_NOTICE,                     \
	  "synguardd continues where the previous one ended: it took over {services} services, and its cookies stay valid", \
	  "services")                                                                                             \
	X(STOPPING,       "stopping",         "26bac429b5a9416b89377d9be6a7092f", LOG_NOTICE,                     \
	  "synguardd {version} is stopping after {seconds} s",                                                   \
	  "version seconds")                                                                                      \
	X(ENGINE,         "engine",           "5f0edd65e6744fe3bcab00f40b8afdfc", LOG_WARNING,                    \
	  "Engine {engine}{:reason}",                                                                             \
	  "engine reason")                                                                                        \
	X(MODE_CHANGED,   "mode_changed",     "968da972308c44c48d5c6dd6fce626ae", LOG_NOTICE,                     \
	  "The mode is now {mode}, it was {before}",                                                              \
	  "mode before")                                                                                          \
	X(STATE_CHANGED,  "state_changed",    "304a02b259404983a5881e2b29f18b1c", LOG_NOTICE,                     \
	  "The state is now {state}, it was {before}; kind {kind}, {unanswered_per_second} SYN/s are never completed, {bogus_acks_per_second} ACK/s belong to no connection{:again}", \
	  "state before kind unanswered_per_second bogus_acks_per_second pulses again")                           \
	X(FLOOD_SOURCES,  "flood_sources",    "7859494a331b4049b65b0a39fff94169", LOG_NOTICE,                     \
	  "The sources of the SYN flood are {sources}, about {distinct} of them, and the heaviest few send {few_percent} %: {advice}", \
	  "sources distinct few_percent advice")                                                                  \
	X(TROUBLE_BEGAN,  "trouble_began",    "51ffe00d04fe4e24993d68460e228733", LOG_NOTICE,                     \
	  "{service} has a trouble that is no attack ({trouble}): {text}",                                         \
	  "service trouble text")                                                                                 \
	X(TROUBLE_ENDED,  "trouble_ended",    "9c103aa4d11d4582ad838c578ebdda35", LOG_NOTICE,                     \
	  "The trouble of {service} ({trouble}) is over after {seconds} s",                                       \
	  "service trouble seconds")                                                                              \
	X(UNDEFENDED_BEGAN, "undefended_began", "943061a02d4748e6a36c99cc2ff55b24", LOG_WARNING,                    \
	  "{name} suffers and is not defended ({kind}): {text}",                                                \
	  "name kind verdict syns_per_second text")                                                               \
	X(UNDEFENDED_ENDED, "undefended_ended", "b5174a8e7c0e4d7fa0562b8cdb47bc4c", LOG_NOTICE,                     \
	  "{name}, which was not defended ({kind}), no longer suffers, after {seconds} s",                      \
	  "name kind seconds")                                                                                    \
	X(INTERFACE_CAME, "interface_came",   "6ba7a5517ec0458db0908baec7d6a3fc", LOG_INFO,                       \
	  "Interface {interface} appeared",                                                                   \
	  "interface")                                                                                    \
	X(INTERFACE_WENT, "interface_went",   "fe3397a142064e51be6554db955ccb6e", LOG_INFO,                       \
	  "Interface {interface} disappeared",                                                                   \
	  "interface")                                                                                    \
	X(INTERFACE_MISSING, "interface_missing", "7b7a24f513ab4cd29ae35f706e58799f", LOG_WARNING,                  \
	  "No interface matches {interface}; the programs are attached when one appears",                               \
	  "interface")                                                                                            \
	X(ATTACHED,       "attached",         "b7b02f105c914a0e8e0cec222e3f0bba", LOG_NOTICE,                     \
	  "The programs are attached to {interface} ({attach}){:reason}",                                                       \
	  "interface attach reason")                                                                      \
	X(ATTACH_FAILED,  "attach_failed",    "edf9d440717a4711abb7d271ced4d6fb", LOG_WARNING,                    \
	  "The programs cannot be attached to {interface}{:reason}",                                                           \
	  "interface reason")                                                                             \
	X(DETACHED,       "detached",         "b7809909b97f4fa6a2b74cd16971e5a3", LOG_NOTICE,                     \
	  "The programs are detached from {interface}{:reason}",                                                        \
	  "interface reason")                                                                             \
	X(DEFENCE_BEGAN,  "defence_began",    "14a99b153426434f8b9281ea9c0c5f2f", LOG_NOTICE,                     \
	  "{service} is defended: its SYNs are challenged{:how}",                                                 \
	  "service how")                                                                                              \
	X(DEFENCE_ENDED,  "defence_ended",    "3b51ab986d93480eaff68aef27e25d43", LOG_NOTICE,                     \
	  "{service} is no longer defended, after {seconds} s: {syns} SYNs, {challenges} challenges, {acceptances} acceptances", \
	  "service seconds syns challenges acceptances")                                                          \
	X(ACK_FLOOD_BEGAN, "ack_flood_began", "4f51568ff87c47769b25cfab03af8600", LOG_NOTICE,                     \
	  "An ACK flood has begun: {bogus_acks_per_second} ACK/s belong to no connection, {dropped_per_second} ACK/s are dropped", \
	  "bogus_acks_per_second dropped_per_second")                                                             \
	X(ACK_FLOOD_ENDED, "ack_flood_ended", "cabf844ae2d2430fb51434b8b117c217", LOG_NOTICE,                     \
	  "The ACK flood is over after {seconds} s: {bogus_acks} ACKs belonged to no connection, {dropped} were dropped", \
	  "seconds bogus_acks dropped")                                                                           \
	X(SERVICE_BLOCKED, "service_blocked", "7df5062f3ae049c094d1e069b4b7f64b", LOG_WARNING,                    \
	  "{service} is not challenged for {seconds} s: clients of {failing} sources answered challenges and got no connection, those of {connected} got one; {cause}", \
	  "service seconds failing connected cause")                                                              \
	X(SOURCES_FILTERED, "sources_filtered", "e51589c17a1f459880f4e79694d948c2", LOG_NOTICE,                   \
	  "{service} has clients that answer challenges and get no connection; they are left to the kernel, and nothing else changes; {cause}", \
	  "service cause")                                                                                        \
	X(MITIGATION_TAKEN,   "mitigation_taken",     "c413f6ae631f464098ec71536eaed80c", LOG_NOTICE,                     \
	  "Mitigation step {step} is taken{:change}{:reason}",                                                 \
	  "step target old new change reason")                                                                    \
	X(MITIGATION_UNDONE,  "mitigation_undone",    "32b43f1aa95b4a6f8d569fa2ebfad6a8", LOG_NOTICE,                     \
	  "Mitigation step {step} is undone{:change}{:reason}",                                                \
	  "step target old new change reason")                                                                    \
	X(MITIGATION_CONFLICT, "mitigation_conflict", "eb491734627f452a9be608bdb0e29f9f", LOG_WARNING,                    \
	  "Mitigation step {step} is given up: {target} was set to {old} and is {new} now{:reason}",                  \
	  "step target old new reason")                                                                           \
	X(MITIGATION_FAILED,  "mitigation_failed",    "b7f38af3ec644681a2d58adf02da8f66", LOG_WARNING,                    \
	  "Mitigation step {step} failed{:reason}",                                                            \
	  "step target old new reason")                                                                           \
	X(MITIGATION_WOULD,   "mitigation_would",     "468a2835081045a794a4759c10a70313", LOG_NOTICE,                     \
	  "Mitigation step {step} is due but not taken in mode observe{:change}{:reason}",                \
	  "step target old new change reason")                                                                    \
	X(REAPED,         "reaped",           "07d8180099494bf185556e3210914680", LOG_NOTICE,                     \
	  "{count} unanswered half-open connections were reaped", \
	  "count")                                                                                                \
	X(LISTS_NOT_APPLIED, "lists_not_applied",   "aaa736b329264be8b0ff6665d7706101", LOG_WARNING,                    \
	  "The lists of sources ({allowed} to allow, {denied} to deny) are loaded but have no effect: Engine=kernel runs no BPF programs", \
	  "allowed denied")                                                                                       \
	X(CONFIG_LOADED,  "config_loaded",    "740fecd1256b48559944cc569e25eeac", LOG_NOTICE,                     \
	  "The configuration is loaded{:changes}",                                                                \
	  "changes")                                                                                              \
	X(CONFIG_REFUSED, "config_refused",   "2d2dda94711b43dc80c9cb49a49ee649", LOG_ERR,                        \
	  "The configuration is refused, and the previous one stays in force{:reason}",                                       \
	  "reason")                                                                                               \
	X(CONFIG_FAULTY,  "config_faulty",    "967ca970817e4aa888f92876678af6a0", LOG_ERR,                        \
	  "The configuration has an error, and its section keeps the defaults{:reason}",                             \
	  "reason")                                                                                               \
	X(WAYS_LEFT_OUT,  "ways_left_out",    "824ba0601857478abd72617dc67b5aed", LOG_WARNING,                    \
	  "The table of ways back has no room for {prefixes} prefixes: their SYNs are answered by the interface that they come in by", \
	  "prefixes")                                                                                          \
	X(READ_FAILED,    "read_failed",      "a2ecbeef2e4f40ca93be48635bd8f4a8", LOG_WARNING,                    \
	  "Reading {what} failed{:reason}",                                                                    \
	  "what reason suppressed")
/* clang-format on */

#define SG_EVENT_ENUM_(name, word, id, priority, sentence, fields) SG_EVENT_##name,
enum sg_event {
	SG_EVENTS(SG_EVENT_ENUM_) SG_EVENT_COUNT,
};
#undef SG_EVENT_ENUM_
