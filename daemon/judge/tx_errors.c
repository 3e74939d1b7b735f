/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/judge/tx_errors.h"

#include "daemon/judge/detect.h"

#define TXWATCH_SECONDS 3

/* So many answers are no chance. */
#define TXWATCH_MANY 128

void txwatch_begin(struct txwatch *w, const struct txwatch_sums *now)
{
	*w = (struct txwatch){ .last = *now };
}

bool txwatch_look(struct txwatch *w, const struct txwatch_sums *now)
{
	uint64_t failed = detect_growth(now->tx.failed, w->last.tx.failed);
	uint64_t sent = detect_growth(now->tx.sent, w->last.tx.sent);
	uint64_t challenged = detect_growth(now->challenged, w->last.challenged);
	bool accepted = now->accepted != w->last.accepted;
	uint64_t answers = now->tx.told ? sent + failed : challenged;

	w->last = *now;
	if (answers < failed)
		answers = failed;
	if (!answers)
		return false;
	if (2 * failed <= answers || (failed < answers && (answers < TXWATCH_MANY || accepted))) {
		txwatch_begin(w, now);
		return false;
	}
	w->failed += failed;
	w->answers += answers;
	return ++w->bad >= TXWATCH_SECONDS;
}
