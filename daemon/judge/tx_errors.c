/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/tx_errors.h"

#include "daemon/base/clock.h"

#define TX_ERRORS_SECONDS 3

/* That so many answers are lost is no accident. */
#define TX_ERRORS_MANY 128

void tx_errors_begin(struct tx_errors *w, const struct tx_errors_sums *now)
{
	*w = (struct tx_errors){ .last = *now };
}

bool tx_errors_step(struct tx_errors *w, const struct tx_errors_sums *now)
{
	uint64_t failed = rate_growth(now->tx.failed, w->last.tx.failed);
	uint64_t sent = rate_growth(now->tx.sent, w->last.tx.sent);
	uint64_t challenged = rate_growth(now->challenged, w->last.challenged);
	bool accepted = now->accepted != w->last.accepted;
	uint64_t answers = now->tx.bundles ? sent + failed : challenged;

	w->last = *now;
	if (answers < failed)
		answers = failed;
	if (!answers)
		return false;
	if (2 * failed <= answers || (failed < answers && (answers < TX_ERRORS_MANY || accepted))) {
		tx_errors_begin(w, now);
		return false;
	}
	w->failed += failed;
	w->answers += answers;
	return ++w->bad >= TX_ERRORS_SECONDS;
}
