/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguardd: the arguments, the settings, the signals, and the loop. Runs in the foreground, in the
 * network namespace that it is started in.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/clock.h"
#include "daemon/base/complaint.h"
#include "daemon/base/log.h"
#include "daemon/base/process.h"
#include "daemon/base/text.h"
#include "daemon/manager/instance.h"
#include "daemon/manager/manager.h"
#include "daemon/mitigation/mitigation.h"
#include "daemon/mitigation/plan.h"
#include "daemon/settings/config.h"

#define MAIN_MAX_INTERFACES SETTINGS_NAMES_MAX

/* Settings of the command line, as config.h wants them. */
#define MAIN_MAX_WORDS (3 * (MAIN_MAX_INTERFACES + 2) + 1)

/* Of a fault, in an event. */
#define MAIN_FAULT_MAX ((int)sizeof(((struct manager_options *)0)->config_fault))

/* No exit code: go on. */
#define MAIN_RUN (-1)

enum argument {
	ARGUMENT_ATTACH,
	ARGUMENT_MODE,
	ARGUMENT_CONFIG,
	ARGUMENT_RUNTIME_DIR,
	ARGUMENT_STATE_DIR,
	ARGUMENT_COUNT,
};

struct arguments {
	const char *values[ARGUMENT_COUNT];
	bool undo;
	size_t interface_count;
	const char *words[MAIN_MAX_WORDS];
	size_t word_count;
};

/* What runs: the manager, and where its settings come from. */
struct service {
	struct manager *manager;
	struct config_source source;
};

static void usage(FILE *to)
{
	/* clang-format off */
	fprintf(to,
		"Usage: synguardd [OPTION]...\n"
		"Detects SYN floods and answers SYNs with cookies before the TCP stack pays for them.\n"
		"Runs in the foreground, in the current network namespace. Its settings are in\n"
		"synguard.conf(5); SIGHUP makes it read them again.\n"
		"\n"
		"  --interface NAME   attach to this interface; may be repeated; eth* is a pattern,\n"
		"                     !eth1 an exclusion, and \"auto\" (default) means every real\n"
		"                     Ethernet device that is up\n"
		"  --attach MODE      auto (default): native XDP, else tcx; or native, tcx, generic\n"
		"  --mode MODE        off, observe, auto (default) or always\n"
		"  --config FILE      read the settings from this file only\n"
		"  --runtime-dir DIR  where the bus socket lives (default " SG_RUNTIME_DIR ")\n"
		"  --state-dir DIR    where lists of sources are kept (default " SG_STATE_DIR ",\n"
		"                     with --runtime-dir that one)\n"
		"  --undo             undo what a daemon that was killed has left adjusted, and end\n"
		"  --version          print the version\n"
		"  --help             print this help\n");
	/* clang-format on */
}

/* ---- the command line ---------------------------------------------------------------------- */

static int usage_error(const char *text)
{
	text_say(stderr, "synguardd: %s", text);
	return SG_EXIT_USAGE;
}

/* A setting that is given here, instead of what the files say of it; NULL: it is not. */
static int add_setting(struct arguments *a, enum setting_id id, const char *value)
{
	struct settings unused = {};
	struct complaint why;

	if (!value)
		return MAIN_RUN;
	if (settings_set(&unused, id, value, &why) < 0)
		return usage_error(why.text);
	a->words[a->word_count++] = settings_table[id].section;
	a->words[a->word_count++] = settings_table[id].key;
	a->words[a->word_count++] = value;
	return MAIN_RUN;
}

/* word: as it was given, where it is wrong. */
static int parse_option(int option, const char *word, struct arguments *a)
{
	/* an empty variable in a script: a directory called "" would be the root */
	if (optarg && !*optarg)
		return usage_error("an argument is empty");
	if (option < ARGUMENT_COUNT) {
		a->values[option] = optarg;
		return MAIN_RUN;
	}
	switch (option) {
	case 'i':
		if (a->interface_count++ == MAIN_MAX_INTERFACES)
			return usage_error("more interfaces than there can be");
		return add_setting(a, SETTING_interfaces, optarg);
	case 'u':
		a->undo = true;
		return MAIN_RUN;
	case 'V':
		puts("synguardd " SG_VERSION);
		return SG_EXIT_OK;
	case 'h':
		usage(stdout);
		return SG_EXIT_OK;
	default:
		text_say(stderr,
			 "synguardd: \"%s\" is no option, or has a value too many or too few",
			 word);
		fputs("Try \"synguardd --help\".\n", stderr);
		return SG_EXIT_USAGE;
	}
}

/* MAIN_RUN, or how to exit. */
static int parse_options(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "attach", required_argument, NULL, ARGUMENT_ATTACH },
		{ "mode", required_argument, NULL, ARGUMENT_MODE },
		{ "config", required_argument, NULL, ARGUMENT_CONFIG },
		{ "runtime-dir", required_argument, NULL, ARGUMENT_RUNTIME_DIR },
		{ "state-dir", required_argument, NULL, ARGUMENT_STATE_DIR },
		{ "undo", no_argument, NULL, 'u' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int option, r;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		r = parse_option(option, argv[optind - 1], a);
		if (r != MAIN_RUN)
			return r;
	}
	if (optind < argc) {
		text_say(stderr, "synguardd: unexpected argument \"%s\"", argv[optind]);
		fputs("Try \"synguardd --help\".\n", stderr);
		return SG_EXIT_USAGE;
	}
	r = add_setting(a, SETTING_attach, a->values[ARGUMENT_ATTACH]);
	return r != MAIN_RUN ? r : add_setting(a, SETTING_mode, a->values[ARGUMENT_MODE]);
}

/* ---- settings ------------------------------------------------------------------------------ */

/* Reads it and logs the faults. fault: the first one, "" where there is none. -errno, with fault. */
static int load_config(const struct config_source *source, struct config **ret,
		       char fault[MAIN_FAULT_MAX])
{
	struct config_line line;
	struct config *c;
	int r = config_load(&c, source), shown;
	size_t i;

	if (r < 0) {
		snprintf(fault, MAIN_FAULT_MAX, "%s: %s", source->file ?: "the configuration",
			 strerror(-r));
		return r;
	}
	shown = MAIN_FAULT_MAX - (c->faults.count > 1 ? 32 : 1);
	for (i = 0; i < c->faults.count && i < CONFIG_PROBLEMS_KEPT; i++) {
		config_problem_text(&c->faults.kept[i], &line);
		log_error("%s", line.text);
		if (i)
			continue;
		snprintf(fault, MAIN_FAULT_MAX, "%.*s", shown, line.text);
		if (c->faults.count > 1)
			snprintf(fault + strlen(fault), 32, ", and %zu more", c->faults.count - 1);
	}
	if (i < c->faults.count)
		log_error("and %zu more faults", c->faults.count - i);
	for (i = 0; i < c->warnings.count && i < CONFIG_PROBLEMS_KEPT; i++) {
		config_problem_text(&c->warnings.kept[i], &line);
		log_warning("%s", line.text);
	}
	*ret = c;
	return 0;
}

/* At the start nothing is in force, so what is faulty falls back to its defaults. */
static int first_settings(const struct config_source *source, struct manager_options *o,
			  struct complaint *c)
{
	_cleanup_(config_free_at) struct config *config = NULL;
	const char *logged = "";
	enum setting_id id;
	int r = load_config(source, &config, o->config_fault);

	if (r < 0) {
		complain(c, "%s", o->config_fault);
		return r;
	}
	for (id = 0; id < SETTINGS_COUNT; id++) {
		if (!config->faulty[id] || !strcmp(logged, settings_table[id].section))
			continue;
		logged = settings_table[id].section;
		log_warning("section [%s] has a fault: its settings are as by default", logged);
	}
	config_fall_back(config);
	o->settings = config->settings;
	o->config_ok = !config->faults.count;
	return 0;
}

static void reload(struct service *s)
{
	_cleanup_(config_free_at) struct config *config = NULL;
	char fault[MAIN_FAULT_MAX] = "";

	if (load_config(&s->source, &config, fault) < 0 || fault[0])
		manager_refuse_configuration(s->manager, fault);
	else
		manager_configure(s->manager, &config->settings);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_now_usec());
	reload(userdata);
	sd_notify(0, "READY=1");
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	const struct service *s = userdata;

	return manager_leave(s->manager);
}

static const struct {
	int signal;
	sd_event_signal_handler_t handler;
} signals[] = { { SIGTERM, on_signal }, { SIGINT, on_signal }, { SIGHUP, on_hangup } };

/* Before anything is started, so that an early signal waits for the loop. */
static int block_signals(void)
{
	sigset_t mask;
	size_t i;

	sigemptyset(&mask);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&mask, signals[i].signal);
	return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

static int watch_signals(sd_event *event, struct service *s)
{
	int r = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals) && r >= 0; i++)
		r = sd_event_add_signal(event, NULL, signals[i].signal, signals[i].handler, s);
	return r;
}

/*
 * Messages go to stderr wherever that leads. That must neither end the daemon (a closed pipe) nor
 * write into a socket that got the number of a closed descriptor.
 */
static void guard_output(void)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close_fd(fd);
}

static int start(struct service *s, sd_event *event, struct manager_options *options,
		 struct complaint *c)
{
	int r = block_signals();

	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r < 0)
		return r;
	r = first_settings(&s->source, options, c);
	if (r < 0)
		return r;
	r = manager_new(&s->manager, event, options, c);
	return r < 0 ? r : watch_signals(event, s);
}

static int run(struct service *s, struct manager_options *options)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	struct complaint c = {};
	int r = sd_event_new(&event);

	if (r >= 0)
		r = start(s, event, options, &c);
	if (r >= 0) {
		sd_notify(0, "READY=1");
		r = sd_event_loop(event);
		sd_notify(0, "STOPPING=1");
	}
	if (r < 0)
		log_error("%s", c.text[0] ? c.text : strerror(-r));
	manager_free(s->manager);
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

/* ---- --undo -------------------------------------------------------------------------------- */

static void print_event(void *userdata, enum mitigation_event event, enum sg_mitigation_step step,
			const char *target, uint64_t from, uint64_t to, const char *reason)
{
	bool listener = mitigation_rows[step].kind == SG_MITIGATION_SOCKETS;
	unsigned long long was = from, now = to;
	char what[128];

	snprintf(what, sizeof(what), "%s%s%s", listener ? mitigation_rows[step].word : target,
		 listener ? " of " : "", listener ? target : "");
	if (event == MITIGATION_UNDONE)
		log_notice("%s is %llu again, it was %llu%s%s", what, now, was, *reason ? ": " : "",
			   reason);
	else if (event == MITIGATION_CONFLICT)
		log_warning("%s is %llu, not our %llu: %s", what, now, was, reason);
	else
		log_error("%s", reason);
}

static void print_warning(void *userdata, const char *text)
{
	log_warning("%s", text);
}

/* For a daemon that was killed; one that is running does it itself. */
static int undo(const char *runtime_dir)
{
	const struct mitigation_handler h = { print_event, print_warning };
	_cleanup_close_ int lock = -EBADF;
	struct complaint complaint = {};

	if (access(runtime_dir, F_OK) < 0 && errno == ENOENT)
		return SG_EXIT_OK;
	lock = instance_lock(runtime_dir, &complaint);
	if (lock == -EBUSY) {
		log_error("a synguardd is running with %s: \"synguard mitigation undo\" asks it",
			  runtime_dir);
		return SG_EXIT_FAILED;
	}
	if (lock < 0) {
		log_error("%s", complaint.text);
		return SG_EXIT_FAILED;
	}
	return mitigation_undo_recorded(runtime_dir, &h) < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {};
	struct manager_options options = {};
	struct service service = {};
	const char *own;
	int r = parse_options(argc, argv, &arguments);

	if (r != MAIN_RUN)
		return r;
	guard_output();
	descriptors_raise();
	/* a daemon with a runtime directory of its own does not change what the host's one keeps */
	own = arguments.values[ARGUMENT_RUNTIME_DIR];
	options.state_dir = arguments.values[ARGUMENT_STATE_DIR] ?: own ?: SG_STATE_DIR;
	options.runtime_dir = own ?: SG_RUNTIME_DIR;
	if (arguments.undo)
		return undo(options.runtime_dir);
	service.source.file = arguments.values[ARGUMENT_CONFIG];
	service.source.command_line = arguments.words;
	return run(&service, &options);
}
