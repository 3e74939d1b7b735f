/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that come in batches, as network cards deliver them: tcx sees the client's first data
 * before the ACK in front of it has become a socket.
 *
 * The server's interface polls in a thread of its own, on another CPU than the clients, so that
 * the ACK and the data are in one poll. On a single CPU there are no batches, and no test.
 */
#include <unistd.h>

#include "stage.h"
#include "suite.h"
#include "watch.h"

#define BATCH_CLIENTS_PER_SEC 400
#define BATCH_MS	      2000

/*
 * Every acceptance becomes one connection, and data that came in one batch with the ACK in front of it is put
 * behind the batch: none of it is dropped for its sender to send again.
 */
START_TEST(h15_batch)
{
	struct clients_options o = {
		.port = STAGE_PORT,
		.rate_per_sec = BATCH_CLIENTS_PER_SEC,
		.duration_ms = BATCH_MS,
		.deadline_ms = 15000,
		.cpu_plus_1 = 1,
	};
	struct clients_result result;
	json_int_t accepted = 0, established = 0, attempted = 0;
	struct stage s;
	json_t *status;
	int tid, tries;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("batches need a second CPU");
	stage_raise(&s, &(struct server_options){ .port = STAGE_PORT, .backlog = 1024 });
	ck_assert_int_eq(lab_napi_thread(s.lab, LAB_SERVER, LAB_IFNAME, 1, &tid), 0);
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	/* until there were batches, or nothing is shown: a CPU that others work on may not bring one */
	for (tries = 0; tries < 20 && !watch_verdict(&s, "ingress", "requeued"); tries++) {
		ck_assert_int_eq(clients_run(s.lab, LAB_CLIENT, &o, &result), 0);
		ck_assert_uint_eq(result.connected, result.attempted);
		attempted += result.attempted;
		clients_result_done(&result);
	}

	status = stage_status(&s);
	accepted += stage_figure(stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT), "accepted");
	accepted += stage_figure(stage_service(status, LAB_SERVER_ADDR6, STAGE_PORT), "accepted");
	established +=
		stage_figure(stage_service(status, LAB_SERVER_ADDR4, STAGE_PORT), "established");
	established +=
		stage_figure(stage_service(status, LAB_SERVER_ADDR6, STAGE_PORT), "established");
	ck_assert_int_eq(accepted, established);
	ck_assert_int_ge(accepted, attempted);
	ck_assert_int_gt(stage_verdict(status, "ingress", "requeued"), 0);
	ck_assert_int_eq(stage_verdict(status, "ingress", "early_data"), 0);
	stage_assert_accounted(status);
	json_decref(status);
	stage_strike(&s);
}
END_TEST

SUITE_NEEDS(suite_lacks_root)

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(h15_batch, 120),
	{}
};
/* clang-format on */
