/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synguard-demo, which `synguard demo` executes: a forged SYN flood against a listener without a
 * defence, with the kernel's own SYN cookies, and with synguard, side by side.
 *
 * Everything happens in network namespaces of its own, which vanish with the process; nothing else
 * of the machine is touched. Data goes to stdout, messages to stderr. Exit codes are those of the
 * CLI: 0 only if every phase ran.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "synguard/cleanup.h"
#include "synguard/names.h"

#include "daemon/base/text.h"
#include "tests/lab/demo_report.h"
#include "tests/lab/phase.h"
#include "tests/lab/run.h"

#define SECONDS_DEFAULT 5
#define SECONDS_MAX	120
#define RATE_DEFAULT	500000
#define RATE_MAX	10000000

static const char usage[] = "Usage: synguard demo [--json] [--seconds-per-phase N] [--rate N]\n"
			    "\n"
			    "Floods a listener with forged SYNs, without and with synguard, inside "
			    "network\n"
			    "namespaces of its own, and compares what real clients get.\n"
			    "\n"
			    "  --json                 print the result as JSON\n"
			    "  --seconds-per-phase N  how long clients connect in each phase (5)\n"
			    "  --rate N               SYNs per second that the flood offers "
			    "(500000)\n"
			    "  --help                 print this\n";

#define KERNEL_PACKAGE "linux-image-6.12-amd64"

/* A feature is there if this function is in the kernel's BTF. */
static const struct kernel_feature {
	const char *function;
	const char *meaning;
} features[] = {
	{ "tcx_prog_attach", "tcx programs (Linux 6.6)" },
	{ "bpf_sk_assign_tcp_reqsk",
	  "bpf_sk_assign_tcp_reqsk(), which turns a cookie into a connection (Linux 6.9)" },
};

/* Asks the kernel's BTF, never its version, and says what is missing. */
static bool kernel_suffices(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	unsigned int missing = 0;
	size_t i;

	if (!btf) {
		fprintf(stderr, "this kernel lacks BTF (CONFIG_DEBUG_INFO_BTF)\n");
		missing++;
	}
	for (i = 0; btf && i < ARRAY_SIZE(features); i++) {
		if (btf__find_by_name_kind(btf, features[i].function, BTF_KIND_FUNC) >= 0)
			continue;
		fprintf(stderr, "this kernel lacks %s\n", features[i].meaning);
		missing++;
	}
	btf__free(btf);
	if (missing)
		fprintf(stderr, "On Debian 12 the package " KERNEL_PACKAGE
				" brings a kernel that has all of it.\nNothing was touched.\n");
	return !missing;
}

/* -1, or an exit code. */
static int take_number(const char *option, const char *text, unsigned int max, uint64_t *ret)
{
	if (text_decimal(text, 1, max, ret) >= 0)
		return -1;
	fprintf(stderr, "synguard demo: %s is a number from 1 to %u, not \"%s\"\n", option, max,
		text);
	return SG_EXIT_USAGE;
}

/* Returns an exit code, or -1 to go on. */
static int arguments_parse(int argc, char **argv, struct phase_settings *s, bool *json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "seconds-per-phase", required_argument, NULL, 's' },
		{ "rate", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c, code = -1;
	uint64_t value;

	while (code < 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			*json = true;
			break;
		case 's':
			value = s->seconds;
			code = take_number("--seconds-per-phase", optarg, SECONDS_MAX, &value);
			s->seconds = value;
			break;
		case 'r':
			code = take_number("--rate", optarg, RATE_MAX, &s->syns_per_sec);
			break;
		case 'h':
			fputs(usage, stdout);
			return SG_EXIT_OK;
		default:
			fputs(usage, stderr);
			return SG_EXIT_USAGE;
		}
	}
	if (code < 0 && optind < argc) {
		fprintf(stderr, "synguard demo: \"%s\" is one argument too many\n", argv[optind]);
		code = SG_EXIT_USAGE;
	}
	return code;
}

/* Signals become a descriptor, so that whatever waits can be cancelled and clean up. */
static int signals_take(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	/* A reader that has gone is noticed by the write that fails. */
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Where synguard did not defend, why it thinks so. */
static void explain(const struct phase_result *r)
{
	if (r->clients.connected * 1000ULL < r->clients.attempted * 995ULL && *r->daemon_said)
		fprintf(stderr, "synguardd said:\n%s", r->daemon_said);
}

static int phases_run(const struct phase_settings *s, struct phase_result results[PHASE_COUNT])
{
	char complaint[1024], line[128];
	int i, err;

	for (i = 0; i < PHASE_COUNT; i++) {
		fprintf(stderr, "%d/%d %s: ", i + 1, PHASE_COUNT, phases[i].title);
		err = phase_run(&phases[i], s, &results[i], complaint, sizeof(complaint));
		if (err == -ECANCELED)
			fprintf(stderr, "interrupted\n");
		else if (err)
			fprintf(stderr, "failed\nsynguard demo: %s\n", complaint);
		else
			fprintf(stderr, "%s\n", report_line(&results[i], line, sizeof(line)));
		if (err)
			return err;
		explain(&results[i]);
	}
	return 0;
}

/* What has run is printed also where a later phase failed. */
static int print_results(const struct phase_settings *s,
			 const struct phase_result results[PHASE_COUNT], bool json)
{
	int err = 0;

	if (json)
		err = report_json(s, results);
	else
		report_table(results);
	if (fflush(stdout) && !err)
		err = -errno;
	return err;
}

static enum sg_exit run(struct phase_settings *s, bool json)
{
	_cleanup_close_ int cancel_fd = -1;
	_cleanup_free_ char *daemon = NULL;
	struct phase_result results[PHASE_COUNT] = { 0 };
	int err, i;

	if (!kernel_suffices())
		return SG_EXIT_FAILED;
	if (geteuid()) {
		fprintf(stderr, "synguard demo: needs root, for network namespaces and BPF\n");
		return SG_EXIT_NOT_ALLOWED;
	}
	if (lab_find_program("synguardd", &daemon) < 0) {
		fprintf(stderr, "synguard demo: cannot find synguardd\n");
		return SG_EXIT_FAILED;
	}
	cancel_fd = signals_take();
	if (cancel_fd < 0)
		return SG_EXIT_FAILED;
	s->cancel_fd = cancel_fd;
	lab_cpus(&s->client_cpu, &s->flood_cpu);

	/* Six phases, two short ones, the proofs and the slow clients' last seconds. */
	fprintf(stderr,
		"A forged SYN flood, in network namespaces of the demo's own: nothing else of\n"
		"this machine is touched. It keeps one core busy for about %u seconds.\n",
		6 * s->seconds + 20);
	err = phases_run(s, results);
	if (err != -ECANCELED && results[0].ran)
		err = print_results(s, results, json) ?: err;
	for (i = 0; i < PHASE_COUNT; i++)
		clients_result_done(&results[i].clients);
	return err ? SG_EXIT_FAILED : SG_EXIT_OK;
}

int main(int argc, char **argv)
{
	struct phase_settings settings = {
		.seconds = SECONDS_DEFAULT,
		.syns_per_sec = RATE_DEFAULT,
		.clients_per_sec = 200,
		.ipv6_share = 32, /* one in eight */
		.backlog = 128,
	};
	bool json = false;
	int code;

	lab_quiet_libbpf();
	setvbuf(stderr, NULL, _IONBF, 0);
	code = arguments_parse(argc, argv, &settings, &json);
	return code >= 0 ? code : (int)run(&settings, json);
}
