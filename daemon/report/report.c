/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/report/report.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "synguard/cleanup.h"
#include "synguard/report.h"

#include "daemon/base/addr.h"

/* ---- the tables ---------------------------------------------------------------------------- */

/* The C type of a member by the type of its row; a wrong row does not compile. */
#define REPORT_IS_(member, type)  __builtin_types_compatible_p(__typeof__(member), type)
#define REPORT_IS_COUNT(member)	  REPORT_IS_(member, uint64_t) || REPORT_IS_(member, __u64)
#define REPORT_IS_FLAG(member)	  REPORT_IS_(member, bool)
#define REPORT_IS_INT(member)	  REPORT_IS_(member, int)
#define REPORT_IS_PORT(member)	  REPORT_IS_(member, uint16_t)
#define REPORT_IS_RATIO(member)	  REPORT_IS_(member, double)
#define REPORT_IS_TEXT(member)	  REPORT_IS_(member, const char *)
#define REPORT_IS_WORD(member)	  REPORT_IS_(member, const char *)
#define REPORT_IS_CHARS(member)	  REPORT_IS_(member, char[sizeof(member)])
#define REPORT_IS_ADDRESS(member) REPORT_IS_(member, struct sg_addr)

#define REPORT_CHECK_(of, type, member, path)                                                      \
	static_assert(REPORT_IS_##type(((of *)0)->member), path " is no " #type);
#define REPORT_ROW_(of, type_, member, path_, property_)                                           \
	{ .type = REPORT_##type_,                                                                  \
	  .offset = offsetof(of, member),                                                          \
	  .path = path_,                                                                           \
	  .property = property_ },

/* clang-format off */
#define CHECK_REPORT_(t, m, p, k, f, u, l, v, property, meaning)    REPORT_CHECK_(struct report, t, m, p)
#define CHECK_INTERFACE_(t, m, p, k, f, u, l, v, property, meaning) REPORT_CHECK_(struct report_interface, t, m, p)
#define CHECK_SERVICE_(t, m, p, k, f, u, l, v, property, meaning)   REPORT_CHECK_(struct report_service, t, m, p)
#define CHECK_STEP_(t, m, p, k, f, u, l, v, property, meaning)      REPORT_CHECK_(struct report_step, t, m, p)
#define CHECK_UNDEFENDED_(t, m, p, k, f, u, l, v, property, meaning) REPORT_CHECK_(struct report_undefended, t, m, p)
#define ROW_UNDEFENDED_(t, m, p, k, f, u, l, v, property, meaning)   REPORT_ROW_(struct report_undefended, t, m, p, NULL)
#define ROW_REPORT_(t, m, p, k, f, u, l, v, property, meaning)      REPORT_ROW_(struct report, t, m, p, property)
#define ROW_INTERFACE_(t, m, p, k, f, u, l, v, property, meaning)   REPORT_ROW_(struct report_interface, t, m, p, NULL)
#define ROW_SERVICE_(t, m, p, k, f, u, l, v, property, meaning)     REPORT_ROW_(struct report_service, t, m, p, NULL)
#define ROW_STEP_(t, m, p, k, f, u, l, v, property, meaning)        REPORT_ROW_(struct report_step, t, m, p, NULL)
/* clang-format on */

SG_REPORT(CHECK_REPORT_)
SG_REPORT_INTERFACES(CHECK_INTERFACE_)
SG_REPORT_SERVICES(CHECK_SERVICE_)
SG_REPORT_MITIGATION(CHECK_STEP_)
SG_REPORT_UNDEFENDED(CHECK_UNDEFENDED_)

static const struct report_row report_report_rows[] = { SG_REPORT(ROW_REPORT_) };
static const struct report_row report_interface_rows[] = { SG_REPORT_INTERFACES(ROW_INTERFACE_) };
static const struct report_row report_service_rows[] = { SG_REPORT_SERVICES(ROW_SERVICE_) };
static const struct report_row report_undefended_rows[] = { SG_REPORT_UNDEFENDED(ROW_UNDEFENDED_) };
static const struct report_row report_step_rows[] = { SG_REPORT_MITIGATION(ROW_STEP_) };

const struct report_row *report_rows(size_t *count)
{
	*count = ARRAY_SIZE(report_report_rows);
	return report_report_rows;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

/*
 * JSON is UTF-8, and the name of an interface is any bytes. Where a text is not UTF-8, its bytes
 * that are not ASCII become question marks, so that one name does not spoil the whole report.
 */
static json_t *report_string(const char *text)
{
	json_t *string = json_string(text);
	_cleanup_free_ char *plain = NULL;
	char *c;

	if (string)
		return string;
	plain = strdup(text);
	for (c = plain; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	return plain ? json_string(plain) : NULL;
}

static json_t *report_value(const struct report_row *row, const void *of)
{
	const void *member = (const char *)of + row->offset;
	const char *text;

	switch (row->type) {
	case REPORT_COUNT:
		return json_integer(*(const uint64_t *)member);
	case REPORT_FLAG:
		return json_boolean(*(const bool *)member);
	case REPORT_INT:
		return json_integer(*(const int *)member);
	case REPORT_PORT:
		return json_integer(*(const uint16_t *)member);
	case REPORT_RATIO:
		return json_real(*(const double *)member);
	case REPORT_TEXT:
	case REPORT_WORD:
		text = *(const char *const *)member;
		return text ? report_string(text) : json_null();
	case REPORT_CHARS:
		return report_string(member);
	case REPORT_ADDRESS:
		return json_string(addr_text(member).text);
	case REPORT_TYPE_COUNT:
		break;
	}
	return NULL;
}

/* Takes the value. -1 without memory, also where the value is NULL. */
static int report_put(json_t *object, const char *path, json_t *value)
{
	const char *dot;
	char name[64];
	json_t *inner;

	while ((dot = strchr(path, '.'))) {
		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		inner = json_object_get(object, name);
		if (!inner) {
			inner = json_object();
			json_object_set_new(object, name, inner);
		}
		object = inner;
		path = dot + 1;
	}
	return json_object_set_new(object, path, value);
}

static int report_put_rows(json_t *object, const struct report_row *rows, size_t count,
			   const void *of)
{
	int r = 0;
	size_t i;

	for (i = 0; i < count; i++)
		r |= report_put(object, rows[i].path, report_value(&rows[i], of));
	return r;
}

static int report_put_list(json_t *root, const char *path, const struct report_row *rows,
			   size_t row_count, const void *of, size_t of_size, size_t of_count)
{
	json_t *list = json_array(), *object;
	int r = 0;
	size_t i;

	for (i = 0; i < of_count; i++) {
		object = json_object();
		r |= report_put_rows(object, rows, row_count, (const char *)of + i * of_size);
		r |= json_array_append_new(list, object);
	}
	return report_put(root, path, list) | r;
}

#define REPORT_VERDICT_(in, name, action, label_, meaning_) { .programs = in, .label = label_ },
static const struct {
	unsigned int programs;
	const char *label;
} report_verdict_rows[] = { SG_VERDICTS(REPORT_VERDICT_) };

static int report_put_verdicts(json_t *root, const char *path, const struct sg_counters *counters,
			       enum sg_program program)
{
	json_t *object = json_object();
	int r = 0;
	size_t i;

	for (i = 0; i < SG_VERDICT_COUNT; i++)
		if (report_verdict_rows[i].programs & (1u << program))
			r |= json_object_set_new(object, report_verdict_rows[i].label,
						 json_integer(counters->verdicts[i]));
	return report_put(root, path, object) | r;
}

char *report_to_json(const struct report *report)
{
	json_t *root = json_object();
	char *text = NULL;
	int r;

	r = report_put_rows(root, report_report_rows, ARRAY_SIZE(report_report_rows), report);
	r |= report_put_list(root, "interfaces", report_interface_rows,
			     ARRAY_SIZE(report_interface_rows), report->interfaces,
			     sizeof(*report->interfaces), report->interface_count);
	r |= report_put_list(root, "services", report_service_rows, ARRAY_SIZE(report_service_rows),
			     report->services, sizeof(*report->services), report->service_count);
	r |= report_put_list(root, "undefended", report_undefended_rows,
			     ARRAY_SIZE(report_undefended_rows), report->undefended,
			     sizeof(*report->undefended), report->undefended_count);
	r |= report_put_list(root, "mitigation", report_step_rows, ARRAY_SIZE(report_step_rows),
			     report->steps, sizeof(*report->steps), report->step_count);
	r |= report_put_list(root, "mitigation_listeners", report_step_rows,
			     ARRAY_SIZE(report_step_rows), report->listener_steps,
			     sizeof(*report->listener_steps), report->listener_step_count);
	r |= report_put_verdicts(root, "verdicts.xdp", &report->counters[SG_XDP], SG_XDP);
	r |= report_put_verdicts(root, "verdicts.ingress", &report->counters[SG_INGRESS],
				 SG_INGRESS);
	r |= report_put_verdicts(root, "verdicts.egress", &report->counters[SG_EGRESS], SG_EGRESS);
	if (!r)
		text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return text;
}
