/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration files: what each kind of bad file is told (traps S4), what it spoils and what
 * it does not, which of several files counts, and that what is shown of a configuration is the
 * same configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/settings/config.h"
#include "suite.h"

/* Of this test's process, which removes it at its end. */
static char folder[64];

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command))
		perror(folder);
}

static const char *path_of(const char *name)
{
	static char path[256];

	if (!folder[0]) {
		strcpy(folder, "/tmp/synguard-config-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(folder));
		atexit(remove_folder);
	}
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_bytes(const char *name, const void *bytes, size_t count)
{
	char command[300];
	FILE *f;

	snprintf(command, sizeof(command), "mkdir -p \"$(dirname '%s')\"", path_of(name));
	ck_assert_int_eq(system(command), 0);
	f = fopen(path_of(name), "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, count, f), count);
	ck_assert_int_eq(fclose(f), 0);
}

static void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* The file "x.conf" of the folder alone. */
static struct config *load_file(void)
{
	char path[256];
	const struct config_source source = { .file = path };
	struct config *c = NULL;
	int r;

	snprintf(path, sizeof(path), "%s", path_of("x.conf"));
	r = config_load(&c, &source);
	ck_assert_msg(r == 0, "%s", strerror(-r));
	return c;
}

static struct config *load(const char *text)
{
	write_text("x.conf", text);
	return load_file();
}

static const char *problem(const struct config *c, size_t i)
{
	static struct config_line line;

	ck_assert_uint_lt(i, c->faults.count);
	config_problem_text(&c->faults.kept[i], &line);
	return line.text;
}

/* The only problem is said at this line of the file (0: of the file), and has the words in it. */
static void one_problem(const struct config *c, unsigned int line, const char *words)
{
	char begin[300];

	ck_assert_msg(c->faults.count == 1, "%zu problems, the first: %s", c->faults.count,
		      c->faults.count ? problem(c, 0) : "none");
	if (line)
		snprintf(begin, sizeof(begin), "%s:%u: ", path_of("x.conf"), line);
	else
		snprintf(begin, sizeof(begin), "%s: ", path_of("x.conf"));
	ck_assert_msg(!strncmp(problem(c, 0), begin, strlen(begin)), "%s", problem(c, 0));
	ck_assert_msg(strstr(problem(c, 0), words), "%s", problem(c, 0));
}

static void fine(const struct config *c)
{
	ck_assert_msg(!c->faults.count, "%s", problem(c, 0));
}

/* A bad line costs its section after a fall back, and nothing else. */
static void bad_line(const char *line, const char *words)
{
	char text[1024];
	struct config *c;

	snprintf(text, sizeof(text),
		 "[Detector]\nHoldSec=10s\n[Defence]\nArmPercent=70\n%s\n[Exporter]\n"
		 "Listen=[::1]:1\n",
		 line);
	c = load(text);
	one_problem(c, 5, words);
	ck_assert_uint_eq(c->settings.arm_percent, 70);
	config_fall_back(c);
	ck_assert_uint_eq(c->settings.arm_percent, 50);
	ck_assert_ptr_null(c->origins[SETTING_arm_percent].file);
	ck_assert_uint_eq(c->settings.hold_ns, 10000000000ULL);
	ck_assert_uint_eq(c->settings.exporter_listen.port, 1);
	config_free(c);
}

/* ---- what is a file ------------------------------------------------------------------------ */

START_TEST(s4_empty)
{
	struct settings by_default;
	struct config *c = load("");

	fine(c);
	settings_reset(&by_default);
	ck_assert(!memcmp(&c->settings, &by_default, sizeof(by_default)));
	config_free(c);
}
END_TEST

START_TEST(s4_missing)
{
	const struct config_source source = { .file = "/nowhere/x.conf" };
	const char *const nowhere[] = { "/nowhere", NULL };
	struct config *c = NULL;

	ck_assert_int_eq(config_load(&c, &source), -ENOENT);
	ck_assert_ptr_null(c);
	ck_assert_int_eq(config_load(&c, &(struct config_source){ .folders = nowhere }), 0);
	fine(c);
	ck_assert_uint_eq(c->file_count, 0);
	config_free(c);
}
END_TEST

/* Its open() would wait for a writer: the test's limit is what fails then. */
START_TEST(s4_fifo)
{
	struct config *c;

	ck_assert_int_eq(mkfifo(path_of("x.conf"), 0600), 0);
	c = load_file();
	one_problem(c, 0, "no regular file");
	config_free(c);
}
END_TEST

START_TEST(s4_directory)
{
	struct config *c;

	ck_assert_int_eq(mkdir(path_of("x.conf"), 0700), 0);
	c = load_file();
	one_problem(c, 0, "directory");
	config_free(c);
}
END_TEST

START_TEST(s4_device)
{
	struct config *c;

	ck_assert_int_eq(symlink("/dev/zero", path_of("x.conf")), 0);
	c = load_file();
	one_problem(c, 0, "no regular file");
	config_free(c);
}
END_TEST

START_TEST(s4_unreadable)
{
	struct config *c;

	write_text("x.conf", "[Daemon]\nMode=off\n");
	ck_assert_int_eq(chmod(path_of("x.conf"), 0), 0);
	if (!geteuid()) {
		/* root reads everything; somebody else does not */
		ck_assert_int_eq(chmod(folder, 0755), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	c = load_file();
	one_problem(c, 0, "Permission denied");
	ck_assert_uint_eq(c->settings.mode, SG_MODE_AUTO);
	config_free(c);
	if (!getuid())
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

static struct config *load_folders(void);

/* Drop-ins that may not be listed are not none, and a folder that may not be entered is not empty. */
START_TEST(s4_unreadable_folder)
{
	struct config *c;
	int i;

	for (i = 0; i < 2; i++) {
		write_text("etc/synguard.conf.d/1.conf", "[Daemon]\nMode=off\n");
		write_text("usr/synguard.conf", "[Daemon]\nMode=always\n");
		ck_assert_int_eq(chmod(path_of(i ? "etc" : "etc/synguard.conf.d"), 0), 0);
		if (!geteuid()) {
			ck_assert_int_eq(chmod(folder, 0755), 0);
			ck_assert_int_eq(seteuid(65534), 0);
		}
		c = load_folders();
		ck_assert_uint_ge(c->faults.count, 1);
		ck_assert_ptr_nonnull(strstr(problem(c, 0), "cannot be read: Permission denied"));
		ck_assert_ptr_nonnull(strstr(problem(c, 0), "/etc/synguard.conf"));
		/* whose main file counts, nobody can tell; not the next folder's */
		ck_assert_uint_eq(c->settings.mode, i ? SG_MODE_AUTO : SG_MODE_ALWAYS);
		config_free(c);
		if (!getuid())
			ck_assert_int_eq(seteuid(0), 0);
		ck_assert_int_eq(chmod(path_of("etc"), 0755), 0);
		ck_assert_int_eq(chmod(path_of("etc/synguard.conf.d"), 0755), 0);
	}
}
END_TEST

START_TEST(s4_dangling_link)
{
	struct config *c;

	ck_assert_int_eq(symlink("/nowhere/at/all", path_of("x.conf")), 0);
	c = load_file();
	one_problem(c, 0, "No such file");
	config_free(c);
}
END_TEST

START_TEST(s4_huge_file)
{
	struct config *c;

	write_text("x.conf", "");
	ck_assert_int_eq(truncate(path_of("x.conf"), 5 << 20), 0);
	c = load_file();
	one_problem(c, 0, "more than 4 MiB");
	config_free(c);
}
END_TEST

/* ---- what is a line ------------------------------------------------------------------------ */

START_TEST(s4_long_line)
{
	size_t mebibyte = 1 << 20, i;
	char *text = malloc(mebibyte + 100), line[300];
	struct config *c;

	/* not of one piece more than it may be, and none of its pieces is a line */
	strcpy(text, "[Defence]\nArmPercent=70\n");
	for (i = strlen(text); i < mebibyte; i += 10)
		memcpy(text + i, "Mode=off  ", 10);
	strcpy(text + i, "\n");
	c = load(text);
	one_problem(c, 3, "longer than 197 bytes");
	ck_assert_uint_eq(c->settings.arm_percent, 70);
	config_free(c);
	free(text);

	/* to the byte, and blanks at the end do not count */
	for (i = 197; i <= 198; i++) {
		snprintf(line, sizeof(line), "Listen=%0*d", (int)i - 7, 0);
		ck_assert_uint_eq(strlen(line), i);
		snprintf(line + i, sizeof(line) - i, "   \t");
		text = NULL;
		ck_assert_int_gt(asprintf(&text, "[Exporter]\n%s\n", line), 0);
		c = load(text);
		one_problem(c, 2, i == 197 ? "too long for an address" : "longer than 197 bytes");
		config_free(c);
		free(text);
	}
}
END_TEST

/* A comment may be of any length, and no part of it is a line. */
START_TEST(s4_long_comment)
{
	char text[1000];
	struct config *c;

	memset(text, ' ', sizeof(text));
	memcpy(text, "[Defence]\n  # ", 14);
	strcpy(text + 600, "ArmPercent=70\n");
	c = load(text);
	fine(c);
	ck_assert_uint_eq(c->settings.arm_percent, 50);
	config_free(c);
}
END_TEST

START_TEST(s4_no_final_newline)
{
	struct config *c = load("[Defence]\nArmPercent=70");

	fine(c);
	ck_assert_uint_eq(c->settings.arm_percent, 70);
	config_free(c);
}
END_TEST

START_TEST(s4_nul)
{
	static const char text[] = "[Defence]\nArmPercent=70\0 1\nLeaseSec=3s\n# \0\n";
	struct config *c;

	write_bytes("x.conf", text, sizeof(text) - 1);
	c = load_file();
	ck_assert_uint_eq(c->faults.count, 2);
	ck_assert_ptr_nonnull(strstr(problem(c, 0), "x.conf:2: "));
	ck_assert_ptr_nonnull(strstr(problem(c, 0), "NUL"));
	ck_assert_ptr_nonnull(strstr(problem(c, 1), "x.conf:4: "));
	ck_assert_uint_eq(c->settings.arm_percent, 50);
	ck_assert_uint_eq(c->settings.lease_ns, 3000000000ULL);
	config_free(c);
}
END_TEST

START_TEST(s4_bom)
{
	struct config *c = load("\xef\xbb\xbf[Defence]\nArmPercent=70\n");

	fine(c);
	ck_assert_uint_eq(c->settings.arm_percent, 70);
	config_free(c);
	/* only at the beginning, and only the one of UTF-8 */
	c = load("[Defence]\n\xef\xbb\xbf"
		 "ArmPercent=70\n");
	one_problem(c, 2, "section [Defence] has no");
	config_free(c);
	c = load("\xff\xfe[\n");
	one_problem(c, 1, "UTF-8");
	config_free(c);
}
END_TEST

START_TEST(s4_crlf)
{
	struct config *c = load("[Defence]\r\nArmPercent=70\r\n\r\n# x\r\nLeaseSec=3s \t\r\n");

	fine(c);
	ck_assert_uint_eq(c->settings.arm_percent, 70);
	ck_assert_uint_eq(c->settings.lease_ns, 3000000000ULL);
	config_free(c);
	bad_line("ArmPercent=7\r0", "control character");
}
END_TEST

START_TEST(s4_latin1)
{
	struct config *c = load("# Verteidigung \xfc"
				"ber alles M\xf6gliche\n[Defence]\n");

	fine(c); /* comments are whatever they are */
	config_free(c);
	bad_line("LeaveAlone=m\xfcnchen:80", "UTF-8");
	bad_line("LeaveAlone=\xc0\xaf", "UTF-8");	  /* overlong */
	bad_line("LeaveAlone=\xed\xa0\x80", "UTF-8");	  /* a surrogate */
	bad_line("LeaveAlone=\xf4\x90\x80\x80", "UTF-8"); /* beyond the last */
	bad_line("LeaveAlone=\xe2\x82", "UTF-8");	  /* cut off */
	bad_line("LeaveAlone=m\303\274nchen:80", "no address");
}
END_TEST

START_TEST(s4_unknown_key)
{
	bad_line("ArmPerzent=60", "has no ArmPerzent=; did you mean ArmPercent=?");
	bad_line("armpercent=60", "did you mean ArmPercent=?");
	bad_line("Mode=off", "belongs into section [Daemon]");
	bad_line("Colour=red", "section [Defence] has no Colour=");
}
END_TEST

START_TEST(s4_unknown_section)
{
	struct config *c = load("[Defense]\nArmPercent=70\nrubbish\n[Daemon]\nMode=off\n");

	one_problem(c, 1, "there is no section [Defense]; did you mean [Defence]?");
	ck_assert_uint_eq(c->settings.arm_percent, 50);
	ck_assert_uint_eq(c->settings.mode, SG_MODE_OFF);
	config_free(c);
	c = load("Mode=off\n[Daemon]\n");
	one_problem(c, 1, "in front of any [Section]");
	config_free(c);
}
END_TEST

/* Up to 0.1 a section had another name: what it says counts, and the new name is told. */
START_TEST(config_renamed_section)
{
	struct config *c = load(
		"[Mitigation]\nReap=no\n[Ladder]\nSynackRetries=2\nLease=no\n[Daemon]\nMode=off\n");
	struct config_line line;

	fine(c);
	ck_assert_uint_eq(c->settings.mitigation_retries, 2);
	ck_assert(!c->settings.mitigation_lease && !c->settings.mitigation_reap);
	ck_assert_uint_eq(c->settings.mode, SG_MODE_OFF);
	ck_assert_uint_eq(c->warnings.count, 1);
	config_problem_text(&c->warnings.kept[0], &line);
	ck_assert_msg(strstr(line.text, "x.conf:3: section [Ladder] is called [Mitigation] now"),
		      "%s", line.text);
	config_fall_back(c);
	ck_assert_uint_eq(c->settings.mitigation_retries, 2);
	config_free(c);
	/* a fault in it is one of the section by its new name */
	c = load("[Ladder]\nLease=no\nReapp=no\n");
	one_problem(c, 3, "section [Mitigation] has no Reapp=; did you mean Reap=?");
	config_fall_back(c);
	ck_assert(c->settings.mitigation_lease);
	config_free(c);
}
END_TEST

/* Whose header is spoilt, the lines of that section are nobody's, and above all not the last one's. */
START_TEST(s4_spoilt_header)
{
	/* clang-format off */
	static const struct { const char *header, *words; } rows[] = {
		{ "[Detector", "ends in" },
		{ "[Detector] x", "nothing may follow" },
		{ "[Detector] # x", "line of its own" },
		{ " [Detector]", "indented" },
		{ "[]", "no name" },
		{ "[De tector]", "letters and digits" },
		{ "[Detector\x01]", "control" },
		{ "[DetectorDetectorDetectorDetectorDetectorDetectorDetector]", "too long" },
	};
	/* clang-format on */
	char text[400];
	struct config *c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text),
			 "[Defence]\nArmPercent=70\n%s\nArmPercent=80\n[Daemon]\nMode=off\n",
			 rows[i].header);
		c = load(text);
		one_problem(c, 3, rows[i].words);
		ck_assert_uint_eq(c->settings.arm_percent, 70);
		ck_assert_uint_eq(c->settings.mode, SG_MODE_OFF);
		config_free(c);
	}
}
END_TEST

START_TEST(s4_trailing_junk)
{
	bad_line("ArmPercent=60 percent", "no whole number");
	bad_line("LeaseSec=3s x", "is no time");
	bad_line("LeaveAlone=192.0.2.1:80x", "65535");
	bad_line("LeaveAlone=[2001:db8::1]:80]", "65535");
}
END_TEST

/* What other readers of such files would change without a word. */
START_TEST(s4_silent_changes)
{
	bad_line(" ArmPercent=60", "indented");
	bad_line("\tArmPercent=60", "indented");
	bad_line("LeaveAlone=192.0.2.1 ; mine", "a line of its own");
	bad_line("LeaveAlone=192.0.2.1 # mine", "a line of its own");
	bad_line("LeaveAlone=192.0.2.1\t; mine", "a line of its own");
	bad_line("ArmPercent: 60", "and not with \":\"");
	bad_line("LeaveAlone:x=192.0.2.1", "and not with \":\"");
	bad_line("ArmPercent", "neither [Section] nor Key=value");
	bad_line("=60", "no key");
}
END_TEST

START_TEST(s4_overflow)
{
	bad_line("ArmPercent=18446744073709551676", "from 1 to 100");
	bad_line("LeaseSec=18446744073709551620", "from 2s to 1min");
	bad_line("LeaveAlone=192.0.2.1:65616", "65535");
}
END_TEST

START_TEST(s4_prefix_too_long)
{
	bad_line("LeaveAlone=10.0.0.1/33", "from /0 to /32");
	bad_line("LeaveAlone=2001:db8::/129", "from /0 to /128");
}
END_TEST

START_TEST(s4_default_route_prefix)
{
	bad_line("LeaveAlone=::/0", "Mode=observe");
	bad_line("LeaveAlone=192.0.2.1 0.0.0.0/0", "Mode=observe");
}
END_TEST

START_TEST(s4_host_bits)
{
	bad_line("LeaveAlone=10.0.0.1/8", "write 10.0.0.0/8");
	bad_line("LeaveAlone=[2001:db8::1/32]:80", "write 2001:db8::/32");
}
END_TEST

START_TEST(s4_thresholds_inverted)
{
	struct config *c = load("[Detector]\nHoldSec=10s\nAttackRate=500\nEbbRate=600\n"
				"[Defence]\nArmPercent=70\n");

	one_problem(c, 4, "EbbRate=600 is not below AttackRate=500");
	config_fall_back(c);
	ck_assert_uint_eq(c->settings.attack_rate, 1000);
	ck_assert_uint_eq(c->settings.ebb_rate, 100);
	ck_assert_uint_eq(c->settings.hold_ns, 30000000000ULL);
	ck_assert_uint_eq(c->settings.arm_percent, 70);
	config_free(c);
	/* against a default */
	c = load("[Detector]\nAttackRate=50\n");
	one_problem(c, 2, "EbbRate=100 is not below AttackRate=50");
	config_free(c);
}
END_TEST

/* All of the problems are counted, and the first of them told. */
START_TEST(s4_many_problems)
{
	char text[4000] = "[Defence]\n";
	struct config *c;
	int i;

	for (i = 0; i < 100; i++)
		sprintf(text + strlen(text), "ArmPercent=%d\n", 101 + i);
	c = load(text);
	ck_assert_uint_eq(c->faults.count, 100);
	ck_assert_ptr_nonnull(strstr(problem(c, 0), ":2: ArmPercent=101 is out of range"));
	ck_assert_ptr_nonnull(strstr(problem(c, CONFIG_PROBLEMS_KEPT - 1), ":21: "));
	config_free(c);
}
END_TEST

/* ---- lists, origins, several files --------------------------------------------------------- */

static void names_are(const struct config *c, const char *wanted)
{
	char joined[512] = "";
	size_t i;

	for (i = 0; i < c->settings.interfaces.count; i++)
		sprintf(joined + strlen(joined), "%s%s", i ? " " : "",
			c->settings.interfaces.items[i]);
	ck_assert_str_eq(joined, wanted);
}

START_TEST(config_lists)
{
	struct config *c = load("[Daemon]\nInterfaces=a b\nInterfaces=c\n");

	fine(c);
	names_are(c, "a b c"); /* the default was not extended */
	config_free(c);
	c = load("[Daemon]\nInterfaces=a b\nInterfaces=\nInterfaces=c\n");
	names_are(c, "c");
	config_free(c);
	c = load("[Daemon]\nInterfaces=\n");
	names_are(c, "");
	config_free(c);
	/* refused as a whole */
	c = load("[Daemon]\nInterfaces=a b/c\n");
	one_problem(c, 2, "\"b/c\" is no name");
	names_are(c, "auto");
	config_free(c);
	c = load("[Daemon]\nInterfaces=a\nInterfaces=b c/d\n");
	names_are(c, "a");
	config_free(c);
	/* and a section may come again */
	c = load("[Daemon]\nInterfaces=a\n[Defence]\n[Daemon]\nInterfaces=b\n");
	fine(c);
	names_are(c, "a b");
	config_free(c);
}
END_TEST

static struct config *load_folders(void)
{
	static char etc[100], run[100], usr[100];
	const char *const folders[] = { etc, run, usr, NULL };
	struct config *c = NULL;

	snprintf(etc, sizeof(etc), "%s/etc", folder);
	snprintf(run, sizeof(run), "%s/run", folder);
	snprintf(usr, sizeof(usr), "%s/usr", folder);
	ck_assert_int_eq(config_load(&c, &(struct config_source){ .folders = folders }), 0);
	return c;
}

static void origin_is(const struct config *c, enum setting_id id, const char *name,
		      unsigned int line)
{
	ck_assert_ptr_nonnull(c->origins[id].file);
	ck_assert_str_eq(c->origins[id].file, path_of(name));
	ck_assert_uint_eq(c->origins[id].line, line);
}

START_TEST(config_first_main_file)
{
	struct config *c;

	write_text("usr/synguard.conf", "[Daemon]\nMode=off\n[Defence]\nArmPercent=70\n");
	c = load_folders();
	ck_assert_uint_eq(c->settings.mode, SG_MODE_OFF);
	config_free(c);
	write_text("run/synguard.conf", "[Daemon]\nMode=observe\n");
	c = load_folders();
	ck_assert_uint_eq(c->settings.mode, SG_MODE_OBSERVE);
	ck_assert_uint_eq(c->settings.arm_percent, 50);
	config_free(c);
	write_text("etc/synguard.conf", "\n[Daemon]\n\nMode=always\n");
	c = load_folders();
	ck_assert_uint_eq(c->settings.mode, SG_MODE_ALWAYS);
	origin_is(c, SETTING_mode, "etc/synguard.conf", 4);
	ck_assert_uint_eq(c->file_count, 1);
	config_free(c);
}
END_TEST

START_TEST(config_drop_ins)
{
	struct config *c;

	write_text("etc/synguard.conf", "[Daemon]\nMode=off\nInterfaces=m\n");
	write_text("usr/synguard.conf.d/10-a.conf", "[Daemon]\nInterfaces=a\nMode=observe\n");
	write_text("etc/synguard.conf.d/20-b.conf", "[Daemon]\nInterfaces=b\n");
	write_text("usr/synguard.conf.d/30-c.conf", "[Daemon]\nInterfaces=c\nMode=always\n");
	/* by their names, wherever they are */
	c = load_folders();
	fine(c);
	names_are(c, "m a b c");
	ck_assert_uint_eq(c->settings.mode, SG_MODE_ALWAYS);
	origin_is(c, SETTING_mode, "usr/synguard.conf.d/30-c.conf", 3);
	config_free(c);
	/* of one name only the first folder's */
	write_text("run/synguard.conf.d/10-a.conf", "[Daemon]\nInterfaces=r\n");
	write_text("run/synguard.conf.d/20-b.conf", "[Daemon]\nInterfaces=x\n");
	ck_assert_int_eq(symlink("/dev/null", path_of("etc/synguard.conf.d/30-c.conf")), 0);
	c = load_folders();
	fine(c);
	names_are(c, "m r b");
	ck_assert_uint_eq(c->settings.mode, SG_MODE_OFF);
	config_free(c);
	/* what is no drop-in */
	write_text("etc/synguard.conf.d/README", "[Daemon]\nMode=\n");
	write_text("etc/synguard.conf.d/.x.conf", "[Daemon]\nMode=x\n");
	write_text("etc/synguard.conf.d/40.conf~", "[Daemon]\nMode=x\n");
	write_text("etc/synguard.conf.d/.conf", "[Daemon]\nMode=x\n");
	c = load_folders();
	fine(c);
	config_free(c);
}
END_TEST

/* One that cannot be read, and one with a fault, leave the others be. */
START_TEST(config_bad_drop_in)
{
	struct config *c;

	write_text("etc/synguard.conf", "[Daemon]\nMode=off\n");
	write_text("etc/synguard.conf.d/1.conf", "[Defence]\nArmPercent=\nArmPercent=0\n");
	write_text("etc/synguard.conf.d/3.conf", "[Daemon]\nInterfaces=c\n");
	ck_assert_int_eq(mkfifo(path_of("etc/synguard.conf.d/2.conf"), 0600), 0);
	c = load_folders();
	ck_assert_uint_eq(c->faults.count, 2);
	ck_assert_ptr_nonnull(strstr(problem(c, 0), "etc/synguard.conf.d/1.conf:3: ArmPercent=0"));
	ck_assert_ptr_nonnull(strstr(problem(c, 1), "etc/synguard.conf.d/2.conf: this is no"));
	names_are(c, "c");
	ck_assert_uint_eq(c->settings.mode, SG_MODE_OFF);
	config_free(c);
}
END_TEST

START_TEST(config_command_line)
{
	/* clang-format off */
	const char *const words[] = { "Daemon", "Mode", "always", "Daemon", "Interfaces", "x",
				      "Daemon", "Interfaces", "y", NULL };
	/* clang-format on */
	char path[256];
	struct config *c;

	write_text("x.conf", "[Daemon]\nMode=off\nInterfaces=a b\nRubbish=1\n");
	snprintf(path, sizeof(path), "%s", path_of("x.conf"));
	ck_assert_int_eq(
		config_load(&c, &(struct config_source){ .file = path, .command_line = words }), 0);
	config_fall_back(c);
	ck_assert_uint_eq(c->settings.mode, SG_MODE_ALWAYS);
	names_are(c, "x y");
	ck_assert_ptr_eq(c->origins[SETTING_mode].file, CONFIG_COMMAND_LINE);
	config_free(c);
}
END_TEST

/* ---- what is shown ------------------------------------------------------------------------- */

static char *printed(const struct config *c, bool origin)
{
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	config_print(f, c, origin);
	fclose(f);
	return text;
}

static void reads_the_same(const struct config *c, const char *text)
{
	struct config *again;
	enum setting_id id;

	ck_assert_int_eq(config_load_text(&again, "shown", text, strlen(text)), 0);
	ck_assert_msg(!again->faults.count, "%s\n%s", problem(again, 0), text);
	for (id = 0; id < SETTINGS_COUNT; id++)
		ck_assert_msg(settings_equal(&c->settings, &again->settings, id), "%s differs:\n%s",
			      settings_table[id].key, text);
	config_free(again);
}

/* ---- random files: the property ---- */

static unsigned int below(unsigned int n)
{
	return random() % n;
}

static void add(char *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsprintf(text + strlen(text), format, args);
	va_end(args);
}

static void add_service(char *text)
{
	int bits = below(32) + 1, port = below(65535) + 1;
	unsigned int addr = (below(65536) << 16 | below(65536)) & ~0U << (32 - bits);

	switch (below(4)) {
	case 0:
		add(text, "*:%d", port);
		return;
	case 1:
		add(text, "[2001:db8:%x::/%d]:%d", below(65536), 48 + below(81), port);
		return;
	case 2:
		add(text, "2001:db8::%x", below(65536));
		return;
	}
	add(text, "%u.%u.%u.%u/%d", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255,
	    bits);
	if (below(2))
		add(text, ":%d", port);
}

static void add_value(char *text, enum setting_id id)
{
	static const char *const modes[] = { "off", "observe", "auto", "always" };
	static const char *const attach_modes[] = { "auto", "native", "tcx", "generic" };
	const struct settings_bounds *b = &settings_table[id].bounds;
	const struct settings_type *type = settings_table[id].type;
	unsigned int words = below(4);

	if (!below(8))
		return; /* empty */
	if (type == &settings_mode) {
		add(text, "%s", modes[below(4)]);
	} else if (type == &settings_attach_mode) {
		add(text, "%s", attach_modes[below(4)]);
	} else if (type == &settings_engine) {
		add(text, "%s", below(2) ? "auto" : "kernel");
	} else if (type == &settings_flag) {
		add(text, "%s", below(2) ? "yes" : "no");
	} else if (type == &settings_count) {
		/* the two rates must go together */
		if (id == SETTING_ebb_rate)
			add(text, "%u", 1 + below(9));
		else
			add(text, "%llu", b->least + random() % (b->most - b->least + 1));
	} else if (type == &settings_span || type == &settings_epoch) {
		add(text, "%lluns", b->least + random() % (b->most - b->least + 1));
	} else if (type == &settings_names) {
		while (words--)
			add(text, "if%u%s ", below(1000), below(3) ? "" : "*");
	} else if (type == &settings_services) {
		while (words--) {
			add_service(text);
			add(text, " ");
		}
	} else if (type == &settings_files) {
		while (words--)
			add(text, "/etc/list%u ", below(1000));
	} else if (type == &settings_listen) {
		add(text, "%s:%u",
		    below(2) ? "[2001:db8::1]" :
		    below(2) ? "*" :
			       "192.0.2.1",
		    below(65535) + 1);
	} else {
		ck_abort_msg("a type that this test does not know");
	}
}

static void random_file(char *text)
{
	int lines = below(40);

	text[0] = '\0';
	while (lines--) {
		enum setting_id id = below(SETTINGS_COUNT);

		if (!below(4))
			add(text, "%s comment = [\n", below(2) ? "#" : "  ;");
		add(text, "[%s]%s\n", settings_table[id].section, below(4) ? "" : " \t\r");
		add(text, "%s%s=%s", settings_table[id].key, below(4) ? "" : " ",
		    below(4) ? "" : " ");
		add_value(text, id);
		add(text, "\n");
	}
}

START_TEST(config_shown_reads_the_same)
{
	unsigned int seed = time(NULL) ^ getpid(), i, changed = 0;
	int rounds = suite_full() ? 100000 : 2000;
	static char text[16384];
	struct settings by_default;
	struct config *c;
	char *shown;

	printf("# seed %u\n", seed);
	fflush(stdout);
	srandom(seed);
	settings_reset(&by_default);
	for (i = 0; i < rounds; i++) {
		random_file(text);
		ck_assert_int_eq(config_load_text(&c, "random", text, strlen(text)), 0);
		/* host bits may have been set */
		if (!c->faults.count) {
			changed += !!memcmp(&c->settings, &by_default, sizeof(by_default));
			shown = printed(c, i & 1);
			reads_the_same(c, shown);
			free(shown);
		}
		config_free(c);
	}
	/* or it would have been a property of nothing */
	ck_assert_msg(changed > rounds / 2, "only %u of %d files said anything", changed, rounds);
}
END_TEST

START_TEST(config_difference)
{
	struct config *c =
		load("[Defence]\nArmPercent=70\nLeaseSec=4000ms\nLeaveAlone=*:25 *:26\n");
	char *text = NULL;
	size_t bytes;
	FILE *f = open_memstream(&text, &bytes);

	ck_assert_uint_eq(config_print_difference(f, c), 2);
	fclose(f);
	ck_assert_str_eq(text, "[Defence]\n# default: 50\nArmPercent=70\n# default: none\n"
			       "LeaveAlone=*:25\nLeaveAlone=*:26\n");
	reads_the_same(c, text);
	free(text);
	config_free(c);
}
END_TEST

START_TEST(config_origins_are_shown)
{
	struct config *c = load("[Defence]\n\nArmPercent=50\n");
	char *text = printed(c, true), wanted[300];

	snprintf(wanted, sizeof(wanted), "# %s:3\nArmPercent=50\n# by default\nLeaseSec=4s\n",
		 path_of("x.conf"));
	ck_assert_ptr_nonnull(strstr(text, wanted));
	free(text);
	config_free(c);
}
END_TEST

/* Every line of the sample is a comment, and without its first letter the default. */
START_TEST(config_sample_is_the_default)
{
	char *text = NULL, *from, *to;
	struct settings by_default;
	struct config *c;
	size_t bytes, keys = 0;
	FILE *f = open_memstream(&text, &bytes);

	config_print_sample(f);
	fclose(f);
	c = load(text);
	fine(c);
	settings_reset(&by_default);
	ck_assert(!memcmp(&c->settings, &by_default, sizeof(by_default)));
	config_free(c);
	for (from = to = text; *from; from++) {
		if ((from == text || from[-1] == '\n') && *from != '\n') {
			ck_assert_int_eq(*from, '#');
			keys += from[1] != ' ' && from[1] != '[';
			if (from[1] != ' ')
				continue;
		}
		*to++ = *from;
	}
	*to = '\0';
	ck_assert_uint_eq(keys, SETTINGS_COUNT);
	c = load(text);
	fine(c);
	ck_assert(!memcmp(&c->settings, &by_default, sizeof(by_default)));
	ck_assert_ptr_nonnull(c->origins[SETTING_mode].file);
	config_free(c);
	free(text);
}
END_TEST

/* clang-format off */
const struct suite_test suite_tests[] = {
	SUITE_TEST(s4_empty, 10),
	SUITE_TEST(s4_missing, 10),
	SUITE_TEST(s4_fifo, 10),
	SUITE_TEST(s4_directory, 10),
	SUITE_TEST(s4_device, 10),
	SUITE_TEST(s4_unreadable, 10),
	SUITE_TEST(s4_unreadable_folder, 10),
	SUITE_TEST(s4_dangling_link, 10),
	SUITE_TEST(s4_huge_file, 10),
	SUITE_TEST(s4_long_line, 10),
	SUITE_TEST(s4_long_comment, 10),
	SUITE_TEST(s4_no_final_newline, 10),
	SUITE_TEST(s4_nul, 10),
	SUITE_TEST(s4_bom, 10),
	SUITE_TEST(s4_crlf, 10),
	SUITE_TEST(s4_latin1, 10),
	SUITE_TEST(s4_unknown_key, 10),
	SUITE_TEST(s4_unknown_section, 10),
	SUITE_TEST(s4_spoilt_header, 10),
	SUITE_TEST(s4_trailing_junk, 10),
	SUITE_TEST(s4_silent_changes, 10),
	SUITE_TEST(s4_overflow, 10),
	SUITE_TEST(s4_prefix_too_long, 10),
	SUITE_TEST(s4_default_route_prefix, 10),
	SUITE_TEST(s4_host_bits, 10),
	SUITE_TEST(s4_thresholds_inverted, 10),
	SUITE_TEST(s4_many_problems, 10),
	SUITE_TEST(config_renamed_section, 10),
	SUITE_TEST(config_lists, 10),
	SUITE_TEST(config_first_main_file, 10),
	SUITE_TEST(config_drop_ins, 10),
	SUITE_TEST(config_bad_drop_in, 10),
	SUITE_TEST(config_command_line, 10),
	SUITE_TEST(config_shown_reads_the_same, 60),
	SUITE_TEST(config_difference, 10),
	SUITE_TEST(config_origins_are_shown, 10),
	SUITE_TEST(config_sample_is_the_default, 10),
	{}
};
/* clang-format on */
