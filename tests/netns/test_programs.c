/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that people use, with every SYN challenged: they must not notice. A program that is not
 * there is a skip with its name; $SG_TOOLS holds those that were unpacked and not installed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "tests/lab/flood.h"
#include "watch.h"

#define OPEN_PORT   8080 /* STAGE_PORT */
#define CLOSED_PORT 8083

static const char *const addresses[] = { LAB_SERVER_ADDR4, LAB_SERVER_ADDR6 };

/* ---- programs ------------------------------------------------------------------------------ */

/* The program's path below $SG_TOOLS, or its name where PATH has it, or NULL. */
static const char *find(const char *name)
{
	static const char *const folders[] = { "usr/sbin", "usr/bin" };
	static char path[4][256];
	static int used;
	char command[64];
	size_t i;

	ck_assert_int_lt(used, 4);
	for (i = 0; i < 2; i++) {
		snprintf(path[used], sizeof(path[0]), "%s/%s/%s", getenv("SG_TOOLS") ?: "",
			 folders[i], name);
		if (!access(path[used], X_OK))
			return path[used++];
	}
	snprintf(command, sizeof(command), "command -v %s >/dev/null", name);
	return system(command) ? NULL : name;
}

/* Runs it to its end, which has to be a good one, and returns its stdout, to be freed. */
static char *run(struct stage *s, int host, const char *const argv[])
{
	char *output = NULL;
	int exit_code = lab_run(s->lab, host, argv, 60000, &output);

	ok(exit_code, argv[0]);
	ck_assert_msg(!exit_code, "%s %s: exit code %d\n%s", argv[0], argv[1], exit_code, output);
	return output;
}

/* One that runs until it is ended, and what it writes. */
struct running {
	pid_t pid;
	int fd;
	const char *name;
};

static struct running begin(struct stage *s, int host, const char *const argv[])
{
	struct running r = { .fd = memfd_create("output", MFD_CLOEXEC), .name = argv[0] };
	const struct lab_run_options o = { .stdout_fd = r.fd, .stderr_fd = r.fd };

	ok(lab_spawn(s->lab, host, argv, &o, &r.pid), argv[0]);
	return r;
}

/* Waits until it has said something that holds this. */
static void await_words(struct running *r, const char *words)
{
	char text[4096];
	int tries;

	for (tries = 0; tries < 200; tries++) {
		lab_tail(r->fd, text, sizeof(text));
		if (strstr(text, words))
			return;
		usleep(50000);
	}
	ck_abort_msg("%s has not said \"%s\" but \"%s\"", r->name, words, text);
}

/* Waits until somebody listens on the port. */
static void await_listener(struct stage *s, uint16_t port)
{
	char *listeners = NULL, filter[32];
	const char *const argv[] = { "ss", "-Hltn", filter, NULL };
	int tries, lines = 0;

	snprintf(filter, sizeof(filter), "sport = :%u", port);
	for (tries = 0; tries < 200 && !lines; tries++) {
		listeners = run(s, LAB_SERVER, argv);
		lines = *listeners;
		free(listeners);
		usleep(20000);
	}
	ck_assert_msg(lines, "nobody listens on port %u", port);
}

static void end(struct running *r, int sig)
{
	char text[4096];
	int status = 0, err = lab_stop(r->pid, sig, 10000, &status);

	lab_tail(r->fd, text, sizeof(text));
	ck_assert_msg(!err, "%s does not end:\n%s", r->name, text);
	close(r->fd);
}

/* ---- nginx and curl ------------------------------------------------------------------------ */

static const char *const nginx_conf =
	"daemon off;\n"
	"master_process off;\n"
	"error_log stderr;\n"
	"pid nginx.pid;\n"
	"events { worker_connections 512; }\n"
	"http {\n"
	"	access_log off;\n"
	"	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
	"	uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
	"	server {\n"
	"		listen 8080 backlog=64;\n"
	"		listen [::]:8080 ipv6only=on backlog=64;\n"
	"		location / { return 200 \"hello\\n\"; }\n"
	"	}\n"
	"}\n";

/* A folder for it in /tmp, with its configuration. */
static void nginx_prepare(char dir[64])
{
	char path[128];
	FILE *f;

	strcpy(dir, "/tmp/synguard-nginx-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/nginx.conf", dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(nginx_conf, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

/* A hundred requests, each over a connection of its own, all of them answered with 200. */
static void curl(struct stage *s, const char *urls)
{
	const char *const argv[] = { "curl",
				     "--silent",
				     "--show-error",
				     "--globoff",
				     "--connect-timeout",
				     "10",
				     "--header",
				     "Connection: close",
				     "--output",
				     "/dev/null",
				     "--write-out",
				     "%{http_code} %{num_connects}\n",
				     "--config",
				     urls,
				     NULL };
	char *output = run(s, LAB_CLIENT, argv), *line, *state;
	int good = 0, all = 0;

	for (line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		all++;
		good += !strcmp(line, "200 1");
	}
	ck_assert_msg(good == 100 && all == 100, "%d of %d requests answered", good, all);
	free(output);
}

/* curl wants an output for each URL; globbing would take the brackets of an IPv6 address. */
static void write_urls(const char *path, const char *url)
{
	FILE *f = fopen(path, "we");
	int i;

	ck_assert_ptr_nonnull(f);
	for (i = 0; i < 100; i++)
		fprintf(f, "url = \"%s\"\n%s", url, i ? "output = \"/dev/null\"\n" : "");
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(programs_nginx)
{
	static const char *const urls[] = { "http://" LAB_SERVER_ADDR4 ":8080/",
					    "http://[" LAB_SERVER_ADDR6 "]:8080/" };
	const char *nginx = find("nginx");
	struct watch_service before, after;
	struct running server;
	char dir[64], path[128];
	struct flood *forged;
	json_t *status;
	struct stage s;
	int i;

	if (!nginx || !find("curl"))
		SKIP("no nginx or no curl, neither in SG_TOOLS nor in PATH");
	stage_raise(&s, NULL);
	nginx_prepare(dir);
	server = begin(&s, LAB_SERVER,
		       (const char *const[]){ nginx, "-p", dir, "-c", "nginx.conf", NULL });
	await_listener(&s, STAGE_PORT);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	before = watch_service(&s);
	forged = STAGE_FLOOD(&s, .rate_per_sec = 100000, .ipv6_share = 128);
	watch_await_verdict(&s, "xdp", "challenged", 10000);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/urls", dir);
		write_urls(path, urls[i]);
		curl(&s, path);
	}
	stage_flood_end(forged);
	end(&server, SIGTERM);

	after = watch_service(&s);
	ck_assert_int_eq(after.accepted - before.accepted, 200);
	ck_assert_int_eq(after.established - before.established, 200);
	status = stage_status(&s);
	ck_assert_int_eq(stage_verdict(status, "xdp", "syn_admitted"), 0);
	stage_assert_accounted(status);
	json_decref(status);
	run(&s, LAB_SERVER, (const char *const[]){ "rm", "-r", dir, NULL });
	stage_strike(&s);
}
END_TEST

/* ---- iperf3 -------------------------------------------------------------------------------- */

/* Bytes that one end says it has received. */
static double iperf3_received(const char *text)
{
	json_t *report = json_loads(text, 0, NULL);
	double bytes = json_number_value(json_object_get(
		json_object_get(json_object_get(report, "end"), "sum_received"), "bytes"));

	ck_assert_msg(report, "iperf3 says no JSON:\n%s", text);
	json_decref(report);
	return bytes;
}

/*
 * Up and down, right after a challenge: control and data are two connections each. What is still
 * under way when a server closes meets a listener, as early_data, so not all verdicts are 0.
 */
START_TEST(programs_iperf3)
{
	struct watch_service before, after;
	struct running server;
	struct stage s;
	char *text;
	int way;

	if (!find("iperf3"))
		SKIP("no iperf3");
	stage_raise(&s, NULL);
	server = begin(&s, LAB_SERVER,
		       (const char *const[]){ "iperf3", "--server", "--port", "8080", NULL });
	await_listener(&s, STAGE_PORT);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	for (way = 0; way < 2; way++) {
		await_listener(&s, STAGE_PORT);
		before = watch_service(&s);
		text = run(&s, LAB_CLIENT,
			   (const char *const[]){ "iperf3", "--client", addresses[_i], "--port",
						  "8080", "--bytes", "20M", "--json",
						  way ? "--reverse" : NULL, NULL });
		/* one end sends 20 MiB; of what is under way the other does not count the last */
		ck_assert_msg(iperf3_received(text) > 10e6, "way %d over %s:\n%s", way,
			      addresses[_i], text);
		free(text);
		after = watch_service(&s);
		ck_assert_int_ge(after.challenged, before.challenged + 2);
		ck_assert_int_eq(after.accepted, before.accepted + 2);
		ck_assert_int_eq(after.established, before.established + 2);
	}
	end(&server, SIGTERM);
	stage_strike(&s);
}
END_TEST

/* ---- nmap ---------------------------------------------------------------------------------- */

/* What the scan says of the ports, "8080/open/tcp, 8083/closed/tcp". */
static char *nmap(struct stage *s, const char *how, const char *address)
{
	const char *const argv[] = {
		"nmap", how,  "-Pn",	   "-n",    "-oG",
		"-",	"-p", "8080,8083", address, strchr(address, ':') ? "-6" : NULL,
		NULL
	};
	char *output = run(s, LAB_CLIENT, argv), *ports = strstr(output, "Ports: "), *ret;

	ck_assert_msg(ports, "nmap says nothing of ports:\n%s", output);
	ret = strndup(ports, strcspn(ports, "\t\n"));
	free(output);
	return ret;
}

/* Open and closed are told apart as without synguard, also by who never finishes a handshake. */
START_TEST(programs_nmap)
{
	static const char *const ways[] = { "-sT", "-sS" };
	struct watch_service figures;
	char *before[4], *after;
	struct stage s;
	int i;

	if (!find("nmap"))
		SKIP("no nmap");
	stage_raise(&s, &(struct server_options){});
	for (i = 0; i < 4; i++) {
		before[i] = nmap(&s, ways[i / 2], addresses[i % 2]);
		ck_assert_ptr_nonnull(strstr(before[i], "8080/open/tcp"));
		ck_assert_ptr_nonnull(strstr(before[i], "8083/closed/tcp"));
	}
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	for (i = 0; i < 4; i++) {
		after = nmap(&s, ways[i / 2], addresses[i % 2]);
		ck_assert_str_eq(after, before[i]);
		free(before[i]);
		free(after);
	}
	figures = watch_service(&s);
	ck_assert_int_ge(figures.challenged, 4);
	ck_assert_int_ge(watch_verdict(&s, "xdp", "no_listener"), 4);
	stage_strike(&s);
}
END_TEST

/* ---- tshark -------------------------------------------------------------------------------- */

/* How many packets of the capture the filter takes; checksums are verified. */
static int tshark_count(struct stage *s, const char *capture, const char *filter)
{
	const char *const argv[] = { "tshark", "-n",
				     "-r",     capture,
				     "-o",     "tcp.check_checksum:TRUE",
				     "-o",     "ip.check_checksum:TRUE",
				     "-Y",     filter,
				     "-T",     "fields",
				     "-e",     "frame.number",
				     NULL };
	char *output = run(s, LAB_CLIENT, argv), *c;
	int lines = 0;

	for (c = output; *c; c++)
		lines += *c == '\n';
	free(output);
	return lines;
}

#define SYNACKS	 "tcp.srcport == 8080 && tcp.flags.syn == 1 && tcp.flags.ack == 1"
#define GOOD_SUM "tcp.checksum.status == \"Good\" && (ipv6 || ip.checksum.status == \"Good\")"
/* more than chat, which every SYN-ACK is worth */
#define REMARKS "_ws.expert.severity >= \"Note\""

/* A dissector that knows nothing of us finds nothing to remark on a challenge. */
START_TEST(programs_tshark)
{
	const struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = 100,
		.duration_ms = 200,
		.deadline_ms = 10000,
	};
	char capture[] = "/tmp/synguard-capture-XXXXXX";
	struct watch_service before;
	struct clients_result r;
	struct running dumpcap;
	struct stage s;
	int fd;

	if (!find("tshark") || !find("dumpcap"))
		SKIP("no tshark or no dumpcap");
	fd = mkstemp(capture);
	ck_assert_int_ge(fd, 0);
	stage_raise(&s, &(struct server_options){});
	/* or what the client sends would be captured before its checksum is complete */
	ok(lab_offload_set(s.lab, LAB_CLIENT, LAB_IFNAME, LAB_TX_CSUM, false), "tx checksums");
	ok(lab_offload_set(s.lab, LAB_SERVER, LAB_IFNAME, LAB_TX_CSUM, false), "tx checksums");
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	dumpcap = begin(&s, LAB_CLIENT,
			(const char *const[]){ "dumpcap", "-q", "-i", LAB_IFNAME, "-w", capture,
					       NULL });
	await_words(&dumpcap, "File:");
	before = watch_service(&s);
	ok(clients_run(s.lab, LAB_CLIENT, &o, &r), "clients");
	ck_assert_uint_eq(r.connected, 20);
	clients_result_done(&r);
	watch_assert_defended(&s, &before, 20);
	usleep(500000); /* dumpcap writes by the half second */
	end(&dumpcap, SIGINT);

	ck_assert_int_eq(tshark_count(&s, capture, SYNACKS), 20);
	ck_assert_int_eq(tshark_count(&s, capture, SYNACKS " && " GOOD_SUM), 20);
	ck_assert_int_eq(tshark_count(&s, capture, SYNACKS " && " REMARKS), 0);
	ck_assert_int_eq(tshark_count(&s, capture, REMARKS " && tcp.flags.fin == 0"), 0);
	unlink(capture);
	close(fd);
	stage_strike(&s);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(programs_nginx, 90),
	SUITE_LOOP(programs_iperf3, 2, 60),
	SUITE_TEST(programs_nmap, 60),
	SUITE_TEST(programs_tshark, 60),
	{}
};
/* clang-format on */
