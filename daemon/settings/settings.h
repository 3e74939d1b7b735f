/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings: one table, of which a row is all that there is to a setting.
 *
 * From a row come the member of struct settings, the parsing of its values, `synguard config`, the
 * sample file and the table of synguard.conf(5). Pure: no file, no clock, no log. Leaves to config
 * where values come from, and to the manager what follows from them.
 *
 * A value that was taken prints as text that parses to the same value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/complaint.h"
#include "daemon/settings/settings_value.h"
#include "synguard/abi.h"

#define SETTINGS_SECONDS(n) ((n)*1000000000ULL)

/* clang-format off */
/*
 * section, key, type, member, default as text, least and most (of a list: how many items),
 * unit, when a change takes effect, what it is.
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
	  "auto, or kernel to load no programs that challenge: then there is what the mitigation can do.") \
	X("Defence", "ArmPercent", count, arm_percent, "50", 1, 100, "percent", RELOAD,               \
	  "How full a SYN queue has to be for its service to be defended.")                           \
	X("Defence", "LeaseSec", span, lease_ns, "4s", SETTINGS_SECONDS(2), SETTINGS_SECONDS(60),     \
	  "", RELOAD,                                                                             \
	  "How long a service is defended after its queue called for it, unless that is renewed.")    \
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
	X("Mitigation", "SynackRetries", count, mitigation_retries, "1", 0, 255, "retries", RELOAD,            \
	  "Down to how many SYN-ACK retries an attack may bring tcp_synack_retries; 0 leaves it alone.") \
	X("Mitigation", "ListenerRetries", count, mitigation_listener_retries, "1", 0, 127, "retries", RELOAD, \
	  "Down to how many SYN-ACK retries an attack may bring a listener that has a number of its own (TCP_SYNCNT); 0 leaves them alone.") \
	X("Mitigation", "PerListenerRetries", flag, mitigation_per_listener, "no", 0, 0, "", RELOAD,           \
	  "Whether ListenerRetries is for listeners without a number of their own as well, where tcp_synack_retries is not brought down; afterwards they keep the host's number of that moment as their own.") \
	X("Mitigation", "Lease", flag, mitigation_lease, "yes", 0, 0, "", RELOAD,                              \
	  "Whether a service that is defended stays so for as long as the attack lasts.")             \
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

/* What to write instead of a name that does not exist, or NULL where nothing is near. */
const char *settings_nearest_section(const char *section);
const char *settings_nearest_key(const char *section, const char *key);
/* The section in which this key exists, or NULL. */
const char *settings_section_of(const char *key);

/* Every setting as by default; or one. */
void settings_reset(struct settings *s);
void settings_reset_one(struct settings *s, enum setting_id id);

/*
 * Takes a value: a list is extended, anything else replaced. An empty value clears a list and
 * resets anything else. -EINVAL, *s as before and *c filled: no such value; -ERANGE: beyond the
 * bounds.
 */
int settings_set(struct settings *s, enum setting_id id, const char *value, struct complaint *c);

/*
 * What no value shows by itself: whether they go together. -EINVAL: not; then *id and *other are
 * the settings that contradict each other, and *c says how.
 */
int settings_check(const struct settings *s, enum setting_id *id, enum setting_id *other,
		   struct complaint *c);

/* A list has as many lines of text as items, but at least one; anything else has one. */
size_t settings_lines(const struct settings *s, enum setting_id id);
void settings_text(const struct settings *s, enum setting_id id, size_t line,
		   struct settings_text *ret);

/* "1 to 100", or "" where any value of the type will do. */
void settings_range(enum setting_id id, struct settings_text *ret);

bool settings_equal(const struct settings *a, const struct settings *b, enum setting_id id);

/*
 * The keys whose values differ, separated by commas, as far as there is room; what waits for a
 * restart says so. "" where nothing differs.
 */
void settings_changes(const struct settings *before, const struct settings *now, char *text,
		      size_t size);
