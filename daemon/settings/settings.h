/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settings/ is the configuration of the daemon: the table of settings, the types of their values,
 * the files that they are read from (config.h), and `synguard config` (config_tool.c, print.c).
 * What follows from a setting is left to the manager.
 *
 * A row of the table is all that there is to a setting: from it come the member of struct settings,
 * the parsing of its values, `synguard config`, the sample file and the table of synguard.conf(5).
 * Pure: no file, no clock, no log.
 *
 * A value prints as text that parses to the same value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/addr.h"
#include "daemon/base/complaint.h"
#include "daemon/base/mode.h"
#include "synguard/abi.h"

/* ---- types --------------------------------------------------------------------------------- */

#define SETTINGS_NAMES_MAX    64
#define SETTINGS_SERVICES_MAX SG_LEFT_ALONE_MAX
#define SETTINGS_FILES_MAX    8

enum settings_engine {
	SETTINGS_ENGINE_AUTO,
	SETTINGS_ENGINE_KERNEL,
	SETTINGS_ENGINE_COUNT,
};

/* Every address of a prefix, and one port or all. */
struct settings_service {
	struct addr_prefix prefix;
	uint16_t port; /* host byte order; 0 = all */
};

/* Lists: the number of items, and the items. */
struct settings_names {
	size_t count;
	char items[SETTINGS_NAMES_MAX][32];
};

struct settings_services {
	size_t count;
	struct settings_service items[SETTINGS_SERVICES_MAX];
};

/* Absolute paths. */
struct settings_files {
	size_t count;
	char items[SETTINGS_FILES_MAX][96];
};

/* The members' types, by the name of the type in the table. */
#define SETTINGS_C_mode	       enum sg_mode
#define SETTINGS_C_attach_mode enum attach_mode
#define SETTINGS_C_engine      enum settings_engine
#define SETTINGS_C_flag	       bool
#define SETTINGS_C_count       uint64_t
#define SETTINGS_C_span	       uint64_t /* nanoseconds */
#define SETTINGS_C_epoch       uint8_t	/* a shift of nanoseconds */
#define SETTINGS_C_names       struct settings_names
#define SETTINGS_C_services    struct settings_services
#define SETTINGS_C_files       struct settings_files
#define SETTINGS_C_listen      struct settings_service

/* One value, or one item of a list, as text. */
struct settings_text {
	char text[96];
};

struct settings_bounds {
	uint64_t least, most; /* of a list: most is how many items */
};

struct settings_type {
	/*
	 * Reads a value, of a list one item, from a text that is not empty, into memory that is all
	 * zero. -EINVAL with *c filled; -ERANGE: out of bounds.
	 */
	int (*parse)(void *ret, const char *text, const struct settings_bounds *bounds,
		     struct complaint *c);
	void (*print)(const void *value, struct settings_text *ret);
	/* What a bound looks like; NULL: there are none. */
	void (*print_bound)(uint64_t bound, struct settings_text *ret);
	size_t bytes;	   /* of the value */
	size_t item_bytes; /* of an item; 0: this is no list */
	const char *full;  /* what to do where a list has no room */
};

extern const struct settings_type settings_mode, settings_engine, settings_flag,
	settings_attach_mode, settings_count, settings_span, settings_epoch, settings_names,
	settings_services, settings_files, settings_listen;

/* "1min 30s", as systemd.time(7): a number without a unit is seconds. -EINVAL; -ERANGE: too long. */
int settings_parse_span(const char *text, uint64_t *ret_ns);
void settings_print_span(uint64_t ns, struct settings_text *ret);

/* ---- the table ----------------------------------------------------------------------------- */

#define SETTINGS_SECONDS(n) ((n)*1000000000ULL)

/* clang-format off */
/*
 * section, key, type, member, default as text, least and most (of a list: how many items),
 * unit, when a change takes effect, what it does.
 */
#define SETTINGS(X)                                                                                   \
	X("Daemon", "Mode", mode, mode, "auto", 0, 0, "", RELOAD,                                     \
	  "What synguard may do: off (look at nothing), observe (count, challenge nothing), auto "    \
	  "(challenge while a queue fills) or always.")                                               \
	X("Daemon", "Interfaces", names, interfaces, "auto", 0, SETTINGS_NAMES_MAX, "", RELOAD,  \
	  "Interfaces to attach to: names, globs such as eth*, or auto for every real Ethernet "      \
	  "device that is up; !eth1 leaves one out.")                                                                       \
	X("Daemon", "Attach", attach_mode, attach, "auto", 0, 0, "", RELOAD,                                  \
	  "How to answer SYNs: auto (XDP in the driver, and tcx where that cannot be had), native, "  \
	  "tcx, or generic (XDP in the stack); with native and generic, an interface that refuses is "    \
	  "only observed.") \
	X("Daemon", "Engine", engine, engine, "auto", 0, 0, "", RESTART,                              \
	  "auto, or kernel to load no BPF programs that answer SYNs; what remains are the steps of the mitigation.") \
	X("Defence", "ArmPercent", count, arm_percent, "50", 1, 100, "percent", RELOAD,               \
	  "How full a SYN queue has to be for its service to be defended.")                           \
	X("Defence", "LeaseSec", span, lease_ns, "4s", SETTINGS_SECONDS(2), SETTINGS_SECONDS(60),     \
	  "", RELOAD,                                                                             \
	  "How long a service is defended after its SYN queue filled, unless that is renewed.")    \
	X("Defence", "ClientAllowance", count, client_allowance, "32", 0, 65535, "SYNs", RELOAD,      \
	  "How many SYNs per second a client that completed a handshake within the hour may send unchallenged without completing another; 0 challenges everybody.") \
	X("Defence", "ReplyBudget", count, reply_budget, "1024", 0, 500000, "challenges", RELOAD,      \
	  "How many challenges per second a source is sent that answers none of them; 0 for any number.") \
	X("Defence", "ReplyBudgetPrefix", count, reply_budget_prefix, "16384", 0, 500000, "challenges", RELOAD, \
	  "The same for an IPv4 /24 or an IPv6 /64, which may be a forger's range with real clients in it.") \
	X("Defence", "AckFloodRate", count, ack_flood_rate, "10000", 0, 10000000, "ACKs", RELOAD,      \
	  "From how many ACKs per second on, that belong to no connection and carry no cookie, such ACKs for a proven service are dropped instead of answered with a RST; 0 for never.") \
	X("Defence", "LeaveAlone", services, leave_alone, "", 0, SETTINGS_SERVICES_MAX, "",           \
	  RELOAD,                                                                                     \
	  "Services that are never challenged: ADDRESS:PORT, [IPV6]:PORT, ADDRESS for all its ports " \
	  "or *:PORT; an address may be a prefix such as 192.0.2.0/24.")                              \
	X("Lists", "AllowFile", files, allow_files, "", 0, SETTINGS_FILES_MAX, "", RELOAD,             \
	  "Files of prefixes whose SYNs are always passed, one a line, with # before a comment.")     \
	X("Lists", "DenyFile", files, deny_files, "", 0, SETTINGS_FILES_MAX, "", RELOAD,               \
	  "Files of prefixes whose SYNs to this host are dropped; nothing else of theirs is, and "    \
	  "mode observe drops nothing. Forged sources are not to be stopped that way.")               \
	X("Detector", "AttackRate", count, attack_rate, "1000", 10, 100000000, "SYN/s", RELOAD,       \
	  "Unanswered SYNs that are an attack by themselves.")                                        \
	X("Detector", "EbbRate", count, ebb_rate, "100", 1, 100000000, "SYN/s", RELOAD,               \
	  "Unanswered SYNs below which an attack has ebbed; lower than AttackRate.")                  \
	X("Detector", "BaselineFactor", count, baseline_factor, "2", 0, 1000, "times", RELOAD,        \
	  "How many times its SYNs on ordinary days a service has to get before those that are "      \
	  "unanswered count for AttackRate; where its SYN queue calls for defence they count anyway. 0 to count them always.")  \
	X("Detector", "HoldSec", span, hold_ns, "30s", SETTINGS_SECONDS(1), SETTINGS_SECONDS(3600),   \
	  "", RELOAD,                                                                             \
	  "How long it has to be quiet before the state is calm again.")                              \
	X("Cookie", "EpochSec", epoch, epoch_shift, "1min 9s", SETTINGS_SECONDS(17),                  \
	  SETTINGS_SECONDS(275), "", RESTART,                                                     \
	  "How long a cookie is good for at the least, twice that at the most; rounded to the "       \
	  "nearest power of two of nanoseconds (17, 34, 69, 137 or 275 seconds).")                    \
	X("Mitigation", "Syncookies", flag, mitigation_syncookies, "yes", 0, 0, "", RELOAD,                    \
	  "Whether tcp_syncookies may be switched on where it is 0; without it the kernel takes no cookies.") \
	X("Mitigation", "KernelCookies", flag, mitigation_kernel_cookies, "yes", 0, 0, "", RELOAD,             \
	  "Whether tcp_syncookies may become 2 while a service is attacked that only the kernel's own cookies can defend (behind NAT, or MPTCP); without it synguard leaves such a service to the kernel.") \
	X("Mitigation", "Timestamps", flag, mitigation_timestamps, "yes", 0, 0, "", RELOAD,                    \
	  "Whether tcp_timestamps may become 2 meanwhile; without it such challenges keep an MSS alone.") \
	X("Mitigation", "SynackRetries", count, mitigation_retries, "1", 0, 255, "retries", RELOAD,            \
	  "Down to how many SYN-ACK retries an attack may bring tcp_synack_retries; 0 leaves it alone.") \
	X("Mitigation", "ListenerRetries", count, mitigation_listener_retries, "1", 0, 127, "retries", RELOAD, \
	  "Down to how many SYN-ACK retries an attack may bring a listener that has a number of its own (TCP_SYNCNT); 0 leaves them alone.") \
	X("Mitigation", "PerListenerRetries", flag, mitigation_per_listener, "no", 0, 0, "", RELOAD,           \
	  "Whether ListenerRetries is for listeners without a number of their own as well, where tcp_synack_retries is not brought down; afterwards they keep the host's number of that moment as their own.") \
	X("Mitigation", "Lease", flag, mitigation_lease, "yes", 0, 0, "", RELOAD,                              \
	  "Whether a service that is defended stays so until the attack is over, also while it pauses.") \
	X("Mitigation", "Reap", flag, mitigation_reap, "yes", 0, 0, "", RELOAD,                                \
	  "Whether an attack may end half-open connections that nobody answers before their time.")   \
	X("Mitigation", "Somaxconn", count, mitigation_somaxconn, "0", 0, 65535, "connections", RELOAD,        \
	  "Up to what an attack may bring net.core.somaxconn, which counts at the next listen() only; 0 leaves it alone.") \
	X("Mitigation", "SynBacklog", count, mitigation_syn_backlog, "0", 0, 1000000, "connections", RELOAD,   \
	  "Up to what an attack may bring tcp_max_syn_backlog, which counts only while tcp_syncookies is 0; 0 leaves it alone.") \
	X("Mitigation", "LiveBacklog", count, mitigation_live_backlog, "0", 0, 65535, "connections", RELOAD,   \
	  "Up to what an attack may bring the backlog of a running listener whose queue fills, and net.core.somaxconn at the most; 0 leaves them alone. It takes capabilities that the unit does not give by itself, see live_backlog in synguardd(8).") \
	X("Mitigation", "QueueMemory", count, mitigation_queue_mib, "64", 1, 65536, "MiB", RELOAD,             \
	  "Memory that all that an attack makes longer may take, as the steps of synguardd(8) reckon it.") \
	X("Exporter", "Listen", listen, exporter_listen, "127.0.0.1:9846", 0, 0, "", RESTART,         \
	  "Where synguard exporter listens that is started by hand, ADDRESS:PORT; no address means every one. Started by systemd it takes the address of synguard-exporter.socket.")
/* clang-format on */

#define SETTINGS_MEMBER_(section, key, type, member, ...) SETTINGS_C_##type member;
struct settings {
	SETTINGS(SETTINGS_MEMBER_)
};
#undef SETTINGS_MEMBER_

#define SETTINGS_ENUM_(section, key, type, member, ...) SETTING_##member,
enum setting_id {
	SETTINGS(SETTINGS_ENUM_) SETTINGS_COUNT,
};
#undef SETTINGS_ENUM_

enum setting_effect {
	SETTING_AT_RELOAD,
	SETTING_AT_RESTART,
};

struct setting {
	const char *section;
	const char *key;
	const struct settings_type *type;
	size_t offset; /* in struct settings */
	const char *by_default;
	struct settings_bounds bounds;
	const char *unit;
	enum setting_effect effect;
	const char *help;
};

extern const struct setting settings_table[SETTINGS_COUNT];

/* SETTINGS_COUNT where there is no such key in that section. */
enum setting_id settings_find(const char *section, const char *key);
bool settings_has_section(const char *section);
/* What a section of former versions is called now, or NULL. */
const char *settings_renamed_section(const char *section);

/* The name that was probably meant, or NULL where none is near. */
const char *settings_nearest_section(const char *section);
const char *settings_nearest_key(const char *section, const char *key);
/* The section that has this key, whatever the case of its letters, or NULL. */
const char *settings_section_of(const char *key);

/* Every setting to its default; or one. */
void settings_reset(struct settings *s);
void settings_reset_one(struct settings *s, enum setting_id id);

/*
 * Sets a value: a list is extended, anything else replaced. An empty value clears a list and resets
 * anything else. -EINVAL, -ERANGE: there is no such value; then *s is as before, and *c says what is
 * wrong and what is valid.
 */
int settings_set(struct settings *s, enum setting_id id, const char *value, struct complaint *c);

/*
 * Checks settings against each other. -EINVAL: *id and *other contradict each other, and *c says
 * how.
 */
int settings_check(const struct settings *s, enum setting_id *id, enum setting_id *other,
		   struct complaint *c);

/* The number of lines that a value prints as: the items of a list, but at least 1. */
size_t settings_lines(const struct settings *s, enum setting_id id);
void settings_text(const struct settings *s, enum setting_id id, size_t line,
		   struct settings_text *ret);

/* "1 to 100", or "" where the type has no bounds. */
void settings_range(enum setting_id id, struct settings_text *ret);

/* "From 1 to 100 percent. Takes effect at a reload.", for the sample file and the man page. */
void settings_facts(enum setting_id id, char *ret, size_t size);

bool settings_equal(const struct settings *a, const struct settings *b, enum setting_id id);

/*
 * The keys whose values differ, separated by commas, as many as fit; those that take effect at a
 * restart say so. "" where nothing differs.
 */
void settings_changes(const struct settings *before, const struct settings *now, char *text,
		      size_t size);
