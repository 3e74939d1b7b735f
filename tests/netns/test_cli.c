/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as people and scripts meet it: exit codes, which stream says what, who may, the
 * keys of the JSON, the shape of the metrics.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "said.h"
#include "stage.h"
#include "suite.h"
#include "synguard/names.h"
#include "tests/lab/flood.h"
#include "watch.h"

/* A listener, a daemon in this mode, and a service of each family. */
static void raise_with(struct stage *s, const char *mode)
{
	stage_raise(s, &(struct server_options){});
	stage_daemon(s, mode);
	stage_prove(s, STAGE_PORT);
}

static void some_clients(struct stage *s)
{
	const struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = 100,
		.duration_ms = 200,
	};
	struct clients_result r;

	ok(clients_run(s->lab, LAB_CLIENT, &o, &r), "the clients");
	clients_result_done(&r);
}

/* ---- status -------------------------------------------------------------------------------- */

START_TEST(cli_status)
{
	struct said bare, status, after;
	struct stage s;

	raise_with(&s, "auto");
	bare = CLI(&s, NULL);
	status = CLI(&s, "status");
	after = CLI(&s, "status", "--runtime-dir", lab_daemon_runtime_dir(s.daemon));
	ck_assert_int_eq(bare.exit_code, SG_EXIT_OK);
	ck_assert_int_eq(status.exit_code, SG_EXIT_OK);
	ck_assert_int_eq(after.exit_code, SG_EXIT_OK);
	said_is_silent(&bare, "bare");
	said_is_silent(&status, "status");
	/* the sentence; figures may have changed below it */
	ck_assert_uint_gt(strcspn(bare.out, "\n"), 10);
	ck_assert_int_eq(bare.out[strcspn(bare.out, "\n") - 1], '.');
	ck_assert_int_eq(strncmp(bare.out, status.out, strcspn(bare.out, "\n")), 0);
	ck_assert_int_eq(strncmp(bare.out, after.out, strcspn(bare.out, "\n")), 0);
	ck_assert_ptr_nonnull(strstr(status.out, LAB_SERVER_ADDR4 ":8080"));
	ck_assert_ptr_nonnull(strstr(status.out, "[" LAB_SERVER_ADDR6 "]:8080"));
	ck_assert_ptr_nonnull(strstr(status.out, LAB_IFNAME));
	said_done(&bare);
	said_done(&status);
	said_done(&after);
	stage_strike(&s);
}
END_TEST

/* The keys that scripts rely on; s(tring), i(nteger), b(oolean), o(bject) or a(rray). */
struct key {
	const char *name;
	char type;
	const char *words; /* of a string: the closed set it is of, or NULL */
};

static void assert_keys(const json_t *object, const struct key *keys, const char *where)
{
	const json_t *value;
	bool right;

	for (; keys->name; keys++) {
		value = json_object_get(object, keys->name);
		right = keys->type == 's' ? json_is_string(value) :
			keys->type == 'i' ? json_is_integer(value) :
			keys->type == 'b' ? json_is_boolean(value) :
			keys->type == 'o' ? json_is_object(value) :
					    json_is_array(value);
		ck_assert_msg(right, "%s has no \"%s\" of type %c", where, keys->name, keys->type);
		if (keys->words) {
			char word[64];

			snprintf(word, sizeof(word), "|%s|", json_string_value(value));
			ck_assert_msg(strstr(keys->words, word), "%s.%s is \"%s\"", where,
				      keys->name, json_string_value(value));
		}
		if (keys->type == 'i')
			ck_assert_msg(json_integer_value(value) >= 0, "%s.%s is negative", where,
				      keys->name);
	}
}

/* clang-format off */
static const struct key report_keys[] = {
	{ "running", 'b' }, { "version", 's' }, { "engine", 's', "|reqsk|kernel|" }, { "engine_reason", 's' },
	{ "mode", 's', "|off|observe|auto|always|" }, { "mode_by", 's', "|start|request|" },
	{ "state", 's', "|calm|attack|cooling|" },
	{ "uptime_seconds", 'i' }, { "interfaces", 'a' }, { "services", 'a' },
	{ "half_open", 'i' }, { "rates", 'o' }, { "packets", 'o' }, { "verdicts", 'o' }, {}
};
static const struct key interface_keys[] = {
	{ "name", 's' }, { "index", 'i' }, { "driver", 's' },
	{ "attach", 's', "|native|tcx|generic|none|" }, { "answers", 'b' }, { "attach_reason", 's' }, {}
};
static const struct key service_keys[] = {
	{ "address", 's' }, { "port", 'i' }, { "defending", 'b' }, { "blocked", 'b' },
	{ "syns", 'i' }, { "challenged", 'i' }, { "accepted", 'i' }, { "established", 'i' },
	{ "syn_queue", 'i' }, { "syn_queue_max", 'i' }, { "accept_queue", 'i' },
	{ "accept_queue_max", 'i' }, {}
};
static const struct key rate_keys[] = {
	{ "syns_per_second", 'i' }, { "challenges_per_second", 'i' },
	{ "acceptances_per_second", 'i' }, {}
};
static const struct key packet_keys[] = {
	{ "xdp", 'i' }, { "ingress", 'i' }, { "egress", 'i' }, {}
};
static const struct key verdict_keys[] = {
	{ "xdp", 'o' }, { "ingress", 'o' }, { "egress", 'o' }, {}
};
/* clang-format on */

START_TEST(cli_status_json)
{
	const json_t *verdicts, *value;
	json_t *report, *row;
	struct said said;
	const char *label;
	struct stage s;
	size_t i;

	raise_with(&s, "always");
	some_clients(&s);
	said = CLI(&s, "status", "--json");
	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	said_is_silent(&said, "status --json");
	report = json_loads(said.out, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(report);
	assert_keys(report, report_keys, "the report");
	ck_assert_uint_eq(json_array_size(json_object_get(report, "interfaces")), 1);
	json_array_foreach(json_object_get(report, "interfaces"), i, row)
		assert_keys(row, interface_keys, "an interface");
	ck_assert_str_eq(
		json_string_value(json_object_get(
			json_array_get(json_object_get(report, "interfaces"), 0), "driver")),
		"veth");
	ck_assert_uint_eq(json_array_size(json_object_get(report, "services")), 2);
	json_array_foreach(json_object_get(report, "services"), i, row)
		assert_keys(row, service_keys, "a service");
	assert_keys(json_object_get(report, "rates"), rate_keys, "rates");
	assert_keys(json_object_get(report, "packets"), packet_keys, "packets");
	assert_keys(json_object_get(report, "verdicts"), verdict_keys, "verdicts");
	for (i = 0; packet_keys[i].name; i++) {
		verdicts =
			json_object_get(json_object_get(report, "verdicts"), packet_keys[i].name);
		ck_assert_uint_gt(json_object_size(verdicts), 5);
		json_object_foreach((json_t *)verdicts, label, value)
			ck_assert_msg(json_is_integer(value), "verdict %s", label);
	}
	json_decref(report);
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* ---- width --------------------------------------------------------------------------------- */

static void expect_narrow(struct stage *s, const char *when)
{
	struct said said = CLI(s, "status");

	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	said_is_narrow(&said, 80, when);
	said_done(&said);
}

static bool is_blocked_in_an_attack(struct stage *s, uint16_t port)
{
	json_t *status = stage_status(s);
	json_t *service = stage_service(status, LAB_SERVER_ADDR4, port);
	bool is = json_is_true(json_object_get(service, "blocked")) &&
		  !strcmp(json_string_value(json_object_get(status, "state")), "attack");

	json_decref(status);
	return is;
}

/*
 * Calm, observing, under attack with a service that is blocked and one that has another reason not
 * to be defended, and off. IPv4 with long ports.
 */
START_TEST(cli_status_is_narrow)
{
	static const char *const rules =
		"table inet t { chain c { type filter hook input priority filter;"
		"  tcp dport 65500 ct state new tcp flags & (syn|ack) != syn drop; }; };";
	const char *const nft[] = { "nft", rules, NULL };
	const struct clients_options o = {
		.family = CLIENTS_V4,
		.src4 = "10.99.0.1",
		.sources = 1000,
		.port = 65500,
		.rate_per_sec = 100,
		.duration_ms = 60000,
		.deadline_ms = 100,
	};
	const struct server_options mptcp_options = { .port = 65501, .mptcp = true };
	struct server *blocked, *mptcp;
	struct clients *clients;
	struct flood *flood;
	struct stage s;
	int tries;

	stage_raise(&s, &(struct server_options){});
	stage_sources(&s, "10.99.0.0/16", "2001:db8:99::/48");
	ok(server_new(&mptcp, s.lab, LAB_SERVER, &mptcp_options), "an MPTCP server");
	ok(server_new(&blocked, s.lab, LAB_SERVER, &(struct server_options){ .port = 65500 }),
	   "a server");
	stage_daemon(&s, "observe");
	expect_narrow(&s, "observing nothing");
	stage_prove(&s, 65500);
	expect_narrow(&s, "observing");
	ck_assert_int_eq(lab_run(s.lab, LAB_SERVER, nft, 5000, NULL), 0);
	stage_mode(&s, "always");
	stage_prove(&s, 65501);
	expect_narrow(&s, "an MPTCP listener");
	ok(clients_start(&clients, s.lab, LAB_CLIENT, &o), "clients");
	flood = STAGE_FLOOD(&s, .rate_per_sec = 150000);
	for (tries = 0; tries < 100 && !is_blocked_in_an_attack(&s, 65500); tries++)
		usleep(100000);
	ck_assert(is_blocked_in_an_attack(&s, 65500));
	expect_narrow(&s, "under attack");
	stage_mode(&s, "observe");
	expect_narrow(&s, "observing an attack");
	stage_mode(&s, "off");
	expect_narrow(&s, "off under attack");
	flood_free(flood);
	clients_free(clients);
	server_free(mptcp);
	server_free(blocked);
	stage_strike(&s);
}
END_TEST

/* ---- mode ---------------------------------------------------------------------------------- */

static void expect_mode(struct stage *s, const char *mode)
{
	struct said said = CLI(s, "mode");

	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	said_is_silent(&said, "mode");
	ck_assert_int_eq(strcspn(said.out, "\n"), strlen(mode));
	ck_assert_int_eq(strncmp(said.out, mode, strlen(mode)), 0);
	said_done(&said);
}

static void expect_mode_by(struct stage *s, const char *who)
{
	json_t *report = stage_status(s);

	ck_assert_str_eq(json_string_value(json_object_get(report, "mode_by")), who);
	json_decref(report);
}

/* U+009B begins a sequence as ESC [ does, U+00F6 is a letter. */
#define HOSTILE                                                                                    \
	"a\xc2\x9b"                                                                                \
	"2J\xc3\xb6"

/* Trap FW85: the name of an interface, by whichever verb. */
START_TEST(fw85_hostile_interface)
{
	static const char *const verbs[][2] = {
		{ "status", NULL },	{ "status", "--json" }, { "events", NULL },
		{ "events", "--json" }, { "metrics", NULL },
	};
	const struct lab_daemon_options o = { .interface = "a*" };
	char tail[2048];
	struct stage s;
	size_t i;

	stage_raise(&s, NULL);
	ok(lab_link_add(s.lab, &(struct lab_end){ .host = LAB_SERVER, .ifname = HOSTILE },
			&(struct lab_end){ .host = LAB_CLIENT, .ifname = HOSTILE }),
	   "a link");
	ok(lab_daemon_start(&s.daemon, s.lab, LAB_SERVER, &o, tail, sizeof(tail)), tail);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		struct said said = CLI(&s, verbs[i][0], verbs[i][1]);

		ck_assert_int_eq(said.exit_code, 0);
		ck_assert_msg(!strstr(said.out, "\xc2\x9b"), "%s %.200s", verbs[i][0],
			      strstr(said.out, "\xc2\x9b"));
		if (verbs[i][1])
			ck_assert_msg(strstr(said.out, i == 1 ? "a\\u009B2J\\u00F6" : "\"a??2J"),
				      "%.1000s", said.out);
		said_done(&said);
	}
	lab_daemon_tail(s.daemon, tail, sizeof(tail));
	ck_assert_msg(strstr(tail, "attached to a??2J\xc3\xb6") && !strstr(tail, "\xc2\x9b"), "%s",
		      tail);
	stage_strike(&s);
}
END_TEST

START_TEST(cli_mode)
{
	static const char *const modes[] = { "off", "observe", "always", "auto" };
	char confirmed[64];
	struct said said;
	struct stage s;
	size_t i;

	raise_with(&s, "observe");
	expect_mode(&s, "observe");
	expect_mode_by(&s, "start");
	for (i = 0; i < 4; i++) {
		said = CLI(&s, "mode", modes[i]);
		ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
		said_is_silent(&said, "mode MODE");
		/* it confirms what the daemon says, and that it does not last */
		snprintf(confirmed, sizeof(confirmed), "mode is %s until the daemon stops\n",
			 modes[i]);
		ck_assert_str_eq(said.out, confirmed);
		said_done(&said);
		expect_mode(&s, modes[i]);
		expect_mode_by(&s, "request");
	}
	said = CLI(&s, "mode", "sometimes");
	ck_assert_int_eq(said.exit_code, SG_EXIT_USAGE);
	ck_assert_str_eq(said.out, "");
	ck_assert_ptr_nonnull(strstr(said.err, "always"));
	said_done(&said);
	said = CLI(&s, "mode", "always", "--json");
	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	ck_assert_str_eq(said.out, "{\"mode\": \"always\"}\n");
	said_done(&said);
	said = CLI(&s, "mode", "auto");
	said_done(&said);
	said = CLI(&s, "mode", "off", "observe");
	ck_assert_int_eq(said.exit_code, SG_EXIT_USAGE);
	said_done(&said);
	expect_mode(&s, "auto");
	stage_strike(&s);
}
END_TEST

/* Anybody may look; only root, and the group where there is one, may change. */
START_TEST(cli_mode_not_allowed)
{
	struct said said;
	struct stage s;

	raise_with(&s, "auto");
	said = said_as_nobody(&s, "mode", "off");
	ck_assert_msg(said.exit_code == SG_EXIT_NOT_ALLOWED, "exit code %d: %s", said.exit_code,
		      said.err);
	ck_assert_str_eq(said.out, "");
	ck_assert_ptr_nonnull(strstr(said.err, "root"));
	said_done(&said);
	expect_mode(&s, "auto");

	said = said_as_nobody(&s, "mode", NULL);
	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	ck_assert_str_eq(said.out, "auto\n");
	said_done(&said);
	said = said_as_nobody(&s, "status", "--json");
	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	ck_assert_int_eq(said.out[0], '{');
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* ---- a daemon that is no use ---------------------------------------------------------------- */

/* A daemon that hangs: said within seconds, with what helps, and status has what the kernel says. */
START_TEST(cli_daemon_hangs)
{
	static const char *const verbs[][2] = { { "status" }, { "status", "--json" }, { "mode" } };
	struct said said;
	struct stage s;
	size_t i;

	raise_with(&s, "auto");
	kill(lab_daemon_pid(s.daemon), SIGSTOP);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		said = CLI(&s, verbs[i][0], verbs[i][1]);
		ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
		ck_assert_msg(strstr(said.err, "does not answer") && strstr(said.err, "restart"),
			      "%s", said.err);
		ck_assert_msg(i ? !*said.out : !!strstr(said.out, "What the kernel alone says: "),
			      "%s: %s", verbs[i][0], said.out);
		said_done(&said);
	}
	kill(lab_daemon_pid(s.daemon), SIGCONT);
	stage_strike(&s);
}
END_TEST

/* Answers every call as a daemon does that has never heard of it, until it is killed. */
static void old_daemon(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	sd_bus *bus = NULL;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", dir);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)
		_exit(1);
	for (;;) {
		int peer = accept(fd, NULL, NULL), r;

		if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, peer, peer) < 0 ||
		    sd_bus_set_server(bus, 1, (sd_id128_t){ .bytes = { 1 } }) < 0 ||
		    sd_bus_set_anonymous(bus, 1) < 0 || sd_bus_start(bus) < 0)
			_exit(1);
		do {
			r = sd_bus_process(bus, NULL);
			if (!r)
				sd_bus_wait(bus, UINT64_MAX);
		} while (r >= 0);
		bus = sd_bus_close_unref(bus);
	}
}

/* Upgraded and not restarted: both versions are named, and what helps. */
START_TEST(cli_daemon_of_another_version)
{
	static const char *const verbs[][2] = {
		{ "sources" }, { "status" }, { "allow", "list" }, { "mode", "auto" }, { "events" },
	};
	char dir[] = "/tmp/synguard-test-XXXXXX", path[64];
	const char *argv[] = { said_program(), "--runtime-dir", dir, NULL, NULL, NULL };
	struct said said;
	struct stage s;
	pid_t old;
	size_t i;

	stage_raise(&s, NULL);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/bus", dir);
	old = fork();
	if (!old)
		old_daemon(dir);
	while (access(path, F_OK))
		usleep(10000);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		argv[3] = verbs[i][0];
		argv[4] = verbs[i][1];
		said = said_run(&s, argv, -1);
		ck_assert_int_eq(said.exit_code, SG_EXIT_FAILED);
		ck_assert_msg(strstr(said.err, "another version") && strstr(said.err, SG_VERSION),
			      "%s: %s", verbs[i][0], said.err);
		said_done(&said);
	}
	kill(old, SIGKILL);
	waitpid(old, NULL, 0);
	unlink(path);
	rmdir(dir);
	stage_strike(&s);
}
END_TEST

/* ---- streams that end: trap S9 ------------------------------------------------------------- */

/* Nobody reads, or the disk is full. Never a crash; and what was lost is only then no failure when
 * the reader wanted no more. */
START_TEST(cli_closed_stdout)
{
	static const char *const verbs[] = { "status", "metrics", "mode" };
	const char *argv[] = { said_program(), "--runtime-dir", NULL, NULL, NULL };
	struct said said;
	struct stage s;
	int fds[2];
	size_t i;

	raise_with(&s, "auto");
	argv[2] = lab_daemon_runtime_dir(s.daemon);
	for (i = 0; i < 3; i++) {
		argv[3] = verbs[i];
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		close(fds[0]);
		said = said_run(&s, argv, fds[1]);
		close(fds[1]);
		ck_assert_msg(said.exit_code == SG_EXIT_OK || (WIFSIGNALED(said.status) &&
							       WTERMSIG(said.status) == SIGPIPE),
			      "%s to nobody: wait status %#x", verbs[i], said.status);
		ck_assert_str_eq(said.err, "");
		said_done(&said);

		fds[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
		said = said_run(&s, argv, fds[1]);
		close(fds[1]);
		ck_assert_msg(said.exit_code == SG_EXIT_FAILED,
			      "%s to a full disk: wait status %#x", verbs[i], said.status);
		ck_assert_ptr_nonnull(strstr(said.err, "stdout"));
		said_done(&said);
	}
	stage_strike(&s);
}
END_TEST

/* What status says on a terminal of this many columns; free() it. */
static char *on_terminal(struct stage *s, unsigned short columns, const char *const *env)
{
	const char *argv[] = { said_program(), "--runtime-dir", lab_daemon_runtime_dir(s->daemon),
			       NULL };
	const struct winsize size = { .ws_col = columns, .ws_row = 24 };
	struct said said;
	int ours, its;
	char *text = calloc(1, 16384);
	ssize_t n;

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(openpty(&ours, &its, NULL, NULL, &size), 0);
	said = said_run_with(s, argv, env, its);
	ck_assert_msg(said.exit_code == SG_EXIT_OK, "exit code %d: %s", said.exit_code, said.err);
	said_done(&said);
	n = read(ours, text, 16383);
	ck_assert_int_gt(n, 0);
	close(its);
	close(ours);
	return text;
}

/* Colours only where somebody sees them; the terminal's width is kept to. */
START_TEST(cli_terminal)
{
	static const struct {
		const char *env[3];
		bool coloured;
	} terminals[] = {
		{ { "TERM=xterm" }, true },
		{ { "TERM=xterm", "NO_COLOR=" }, true },
		{ { "TERM=xterm", "NO_COLOR=1" }, false },
		{ { "TERM=dumb" }, false },
		{ { "TERM=" }, false },
	};
	static const unsigned short widths[] = { 40, 80, 400 };
	char *text, *line, *state;
	struct stage s;
	size_t i;

	raise_with(&s, "always");
	for (i = 0; i < sizeof(terminals) / sizeof(terminals[0]); i++) {
		text = on_terminal(&s, 80, terminals[i].env);
		ck_assert_ptr_nonnull(strstr(text, "defending"));
		ck_assert_msg(!!strchr(text, '\033') == terminals[i].coloured, "%s %s: %s",
			      terminals[i].env[0], terminals[i].env[1] ?: "", text);
		free(text);
	}
	for (i = 0; i < 3; i++) {
		text = on_terminal(&s, widths[i], (const char *const[]){ "TERM=dumb", NULL });
		for (line = strtok_r(text, "\r\n", &state); line;
		     line = strtok_r(NULL, "\r\n", &state))
			ck_assert_msg(strlen(line) <= widths[i], "%u columns: %s", widths[i], line);
		free(text);
	}
	stage_strike(&s);
}
END_TEST

/* ---- metrics ------------------------------------------------------------------------------- */

/* A flood and clients, and then nothing, so that two questions get the same answer. */
static void metrics_raise(struct stage *s)
{
	struct flood *flood;

	raise_with(s, "always");
	flood = STAGE_FLOOD(s, .rate_per_sec = 20000, .ipv6_share = 128, .duration_ms = 500);
	some_clients(s);
	ok(flood_wait(flood), "the flood");
	flood_free(flood);
}

static bool matches(const char *line, const char *pattern)
{
	regex_t regex;
	bool match;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	match = !regexec(&regex, line, 0, NULL, 0);
	regfree(&regex);
	return match;
}

#define NAME  "synguard_[a-z][a-z0-9_]*"
#define LABEL "(interface|family|program|verdict|listener|map|step|engine|kind)"
#define PAIR  LABEL "=\"[^\"\\\\]*\""

/* The first sample at or behind `from` that has this name with its labels, or NULL. */
static const char *sample_find(const char *text, const char *from, const char *name)
{
	const char *found = strstr(from, name);

	while (found && ((found != text && found[-1] != '\n') || found[strlen(name)] != ' '))
		found = strstr(found + 1, name);
	return found;
}

static int samples_of(const char *text, const char *name)
{
	const char *found;
	int count = 0;

	for (found = text; (found = sample_find(text, found, name)); found++)
		count++;
	return count;
}

static json_int_t sample(const char *metrics, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static json_int_t sample(const char *metrics, const char *format, ...)
{
	const char *found;
	char name[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(name, sizeof(name), format, ap);
	va_end(ap);
	found = sample_find(metrics, metrics, name);
	ck_assert_msg(found, "no sample %s", name);
	return strtoll(found + strlen(name), NULL, 10);
}

/* Every line is one of three; a sample belongs to the family announced last; none comes twice. */
static void assert_exposition(const char *text)
{
	char *copy = strdup(text), *line, *state, family[128] = "", type[16] = "";

	for (line = strtok_r(copy, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		if (matches(line, "^# HELP " NAME " [A-Z].*\\.$"))
			continue;
		if (matches(line, "^# TYPE " NAME " (counter|gauge)$")) {
			ck_assert_int_eq(sscanf(line, "# TYPE %127s %15s", family, type), 2);
			ck_assert_msg(!strcmp(type, "counter") ==
					      !strcmp(family + strlen(family) - strlen("_total"),
						      "_total"),
				      "%s is a %s", family, type);
			continue;
		}
		ck_assert_msg(matches(line, "^" NAME "(\\{" PAIR "(," PAIR ")*\\})? [0-9]+$"),
			      "no line of Prometheus: %s", line);
		ck_assert_msg(strcspn(line, "{ ") == strlen(family) &&
				      !strncmp(line, family, strlen(family)),
			      "not of %s: %s", family, line);
		line[strcspn(line, " ")] = '\0';
		ck_assert_msg(samples_of(text, line) == 1, "more than once: %s", line);
	}
	free(copy);
}

static void assert_equal_to_status(const char *metrics, json_t *report)
{
	static const char *const figures[][2] = {
		{ "syns", "synguard_service_syns_total" },
		{ "challenged", "synguard_service_challenges_total" },
		{ "accepted", "synguard_service_acceptances_total" },
		{ "established", "synguard_service_established_total" },
		{ "syn_queue_max", "synguard_service_syn_queue_limit" },
		{ "accept_queue", "synguard_service_accept_queue_connections" },
		{ "accept_queue_max", "synguard_service_accept_queue_limit" },
	};
	const char *program, *verdict, *address;
	json_t *verdicts, *value, *row;
	size_t i, f;

	json_object_foreach(json_object_get(report, "packets"), program, value) {
		ck_assert_int_eq(sample(metrics, "synguard_packets_total{program=\"%s\"}", program),
				 json_integer_value(value));
	}
	json_object_foreach(json_object_get(report, "verdicts"), program, verdicts) {
		json_object_foreach(verdicts, verdict, value) {
			ck_assert_int_eq(sample(metrics,
						"synguard_verdicts_total{program=\"%s\","
						"verdict=\"%s\"}",
						program, verdict),
					 json_integer_value(value));
		}
	}
	json_array_foreach(json_object_get(report, "services"), i, row) {
		address = json_string_value(json_object_get(row, "address"));
		for (f = 0; f < sizeof(figures) / sizeof(figures[0]); f++)
			ck_assert_int_eq(sample(metrics,
						strchr(address, ':') ?
							"%s{listener=\"[%s]:8080\"}" :
							"%s{listener=\"%s:8080\"}",
						figures[f][1], address),
					 stage_figure(row, figures[f][0]));
	}
}

START_TEST(cli_metrics)
{
	static const char *const sources[] = {
		"198.18.", "198.19.", "2001:2:", "\"" LAB_CLIENT_ADDR4, "[" LAB_CLIENT_ADDR6 "]",
	};
	struct said said;
	json_t *report;
	struct stage s;
	size_t i;

	metrics_raise(&s);
	said = CLI(&s, "metrics");
	ck_assert_int_eq(said.exit_code, SG_EXIT_OK);
	said_is_silent(&said, "metrics");
	assert_exposition(said.out);
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		ck_assert_msg(!strstr(said.out, sources[i]), "metrics name a source, %s",
			      sources[i]);
	report = stage_status(&s);
	assert_equal_to_status(said.out, report);
	ck_assert_int_eq(sample(said.out, "synguard_mode{kind=\"always\"}"), 1);
	ck_assert_int_eq(sample(said.out, "synguard_mode{kind=\"auto\"}"), 0);
	ck_assert_int_eq(sample(said.out, "synguard_engine{engine=\"reqsk\"}"), 1);
	ck_assert_int_gt(sample(said.out, "synguard_verdicts_total{program=\"xdp\",verdict="
					  "\"challenged\"}"),
			 1000);
	json_decref(report);
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* $SG_TOOLS/usr/bin/promtool where it was unpacked, else that of PATH; NULL: there is none. */
static const char *promtool(void)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/usr/bin/promtool", getenv("SG_TOOLS") ?: "");
	if (!access(path, X_OK))
		return path;
	return !system("command -v promtool >/dev/null") ? "promtool" : NULL;
}

START_TEST(cli_metrics_promtool)
{
	const char *argv[] = { "sh",
			       "-c",
			       "\"$1\" --runtime-dir \"$2\" metrics | \"$0\" check metrics",
			       promtool(),
			       said_program(),
			       NULL,
			       NULL };
	struct said said;
	struct stage s;

	if (!argv[3])
		SKIP("no promtool, neither in SG_TOOLS nor in PATH");
	metrics_raise(&s);
	argv[5] = lab_daemon_runtime_dir(s.daemon);
	said = said_run(&s, argv, -1);
	ck_assert_msg(!said.exit_code && !*said.err, "promtool: %d\n%s", said.exit_code, said.err);
	said_done(&said);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(cli_status, 30),
	SUITE_TEST(cli_status_json, 30),
	SUITE_TEST(cli_status_is_narrow, 30),
	SUITE_TEST(fw85_hostile_interface, 30),
	SUITE_TEST(cli_mode, 30),
	SUITE_TEST(cli_mode_not_allowed, 30),
	SUITE_TEST(cli_daemon_hangs, 60),
	SUITE_TEST(cli_daemon_of_another_version, 30),
	SUITE_TEST(cli_closed_stdout, 30),
	SUITE_TEST(cli_terminal, 30),
	SUITE_TEST(cli_metrics, 30),
	SUITE_TEST(cli_metrics_promtool, 30),
	{}
};
/* clang-format on */
