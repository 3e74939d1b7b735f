/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"
#include "suite.h"

START_TEST(h0)
{
	struct stage s;
	json_t *status;

	stage_raise(&s, &(struct server_options){ 0 });
	stage_daemon(&s, "always");
	stage_prove(&s, STAGE_PORT);
	struct clients_result r;
	ck_assert_int_eq(clients_run(s.lab, LAB_CLIENT, &(struct clients_options){ .port = STAGE_PORT, .rate_per_sec = 100, .duration_ms = 1000}, &r), 0);
	ck_assert_int_eq(r.connected, 100);
	status = stage_status(&s);
	puts(json_dumps(status, JSON_INDENT(1)));
	stage_assert_accounted(status);
	json_decref(status);
	stage_strike(&s);
}
END_TEST
int main(int argc, char **argv)
{
	Suite *suite = suite_create("handshake");

	SUITE_TEST(suite, h0, 30);
	return suite_main(suite, argc, argv);
}
