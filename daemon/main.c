/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguardd: the arguments, the signals, and the loop. Runs in the foreground, in the network
 * namespace that it is started in.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "complaint.h"
#include "log.h"
#include "manager.h"
#include "mode.h"
#include "portnames.h"

#define MAIN_MAX_INTERFACES 64

static void usage(FILE *to)
{
	/* clang-format off */
	fprintf(to,
		"Usage: synguardd [OPTION]...\n"
		"Detects SYN floods and answers SYNs with cookies before the TCP stack pays for them.\n"
		"Runs in the foreground, in the current network namespace.\n"
		"\n"
		"  --interface NAME   attach to this interface; may be repeated; eth* is a pattern,\n"
		"                     !eth1 an exclusion, and \"auto\" (default) means every real\n"
		"                     Ethernet device that is up\n"
		"  --mode MODE        off, observe, auto (default) or always\n"
		"  --runtime-dir DIR  where the bus socket lives (default " SG_RUNTIME_DIR ")\n"
		"  --version          print the version\n"
		"  --help             print this help\n");
	/* clang-format on */
}

static int parse_options(int argc, char **argv, struct manager_options *o, const char **interfaces)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "mode", required_argument, NULL, 'm' },
		{ "runtime-dir", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c, mode;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'i':
			if (o->interface_count == MAIN_MAX_INTERFACES) {
				fprintf(stderr, "synguardd: more than %d interfaces\n",
					MAIN_MAX_INTERFACES);
				exit(SG_EXIT_USAGE);
			}
			if (!portnames_valid(optarg)) {
				fprintf(stderr,
					"synguardd: \"%s\" is no name of an interface, no "
					"pattern (eth*) and no exclusion (!eth1)\n",
					optarg);
				exit(SG_EXIT_USAGE);
			}
			interfaces[o->interface_count++] = optarg;
			break;
		case 'm':
			mode = mode_parse(optarg);
			if (mode < 0) {
				fprintf(stderr,
					"synguardd: no mode \"%s\"; there are off, observe, auto "
					"and always\n",
					optarg);
				exit(SG_EXIT_USAGE);
			}
			o->mode = mode;
			break;
		case 'r':
			o->runtime_dir = optarg;
			break;
		case 'V':
			puts("synguardd " SG_VERSION);
			exit(SG_EXIT_OK);
		case 'h':
			usage(stdout);
			exit(SG_EXIT_OK);
		default:
			fputs("Try \"synguardd --help\".\n", stderr);
			exit(SG_EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr,
			"synguardd: unexpected argument \"%s\"\nTry \"synguardd --help\".\n",
			argv[optind]);
		exit(SG_EXIT_USAGE);
	}
	return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	return manager_leave(userdata);
}

/* Before anything is started, so that an early signal waits for the loop. */
static int block_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

/*
 * Talk goes to stderr wherever that leads, and must neither end us (a closed pipe) nor end up in a
 * socket of ours that got the number of a closed descriptor.
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

static int watch_signals(sd_event *event, struct manager *manager)
{
	int r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, manager);

	return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, on_signal, manager);
}

static int run(const struct manager_options *options)
{
	struct complaint complaint = {};
	struct manager *manager = NULL;
	sd_event *event = NULL;
	int r;

	r = sd_event_new(&event);
	if (r >= 0)
		r = block_signals();
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r >= 0)
		r = manager_new(&manager, event, options, &complaint);
	if (r >= 0)
		r = watch_signals(event, manager);
	if (r < 0) {
		log_error("%s", complaint.text[0] ? complaint.text : strerror(-r));
	} else {
		sd_notify(0, "READY=1");
		r = sd_event_loop(event);
		sd_notify(0, "STOPPING=1");
		if (r < 0)
			log_error("%s", strerror(-r));
	}
	manager_free(manager);
	sd_event_unref(event);
	return r < 0 ? SG_EXIT_FAILED : SG_EXIT_OK;
}

int main(int argc, char **argv)
{
	const char *interfaces[MAIN_MAX_INTERFACES];
	struct manager_options options = {
		.runtime_dir = SG_RUNTIME_DIR,
		.interfaces = interfaces,
		.mode = SG_MODE_AUTO,
	};

	parse_options(argc, argv, &options, interfaces);
	guard_output();
	if (!options.interface_count)
		interfaces[options.interface_count++] = "auto";
	return run(&options);
}
