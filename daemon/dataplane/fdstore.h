/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's descriptor store: what is to outlive this process, for the next one.
 *
 * Descriptors are kept by name, until they are dropped or the unit is stopped for good
 * (FileDescriptorStoreMax= of the unit; sd_notify(3)). Without a service manager, or where it keeps
 * none, nothing is found and keeping does nothing; the same where the store is NULL. Knows nothing
 * of what the descriptors are.
 */
#pragma once

struct fdstore;

/* Takes over what was handed to this process; to be called once. The caller owns *ret. -errno. */
int fdstore_new(struct fdstore **ret);
/* As fdstore_drop_rest(). What was taken or kept stays kept. */
struct fdstore *fdstore_free(struct fdstore *s);

/* Takes one out, which the caller then owns and which stays kept; -ENOENT. Once for each name. */
int fdstore_take(struct fdstore *s, const char *name);

/* Closes what nobody has taken, and has the service manager forget it. */
void fdstore_drop_rest(struct fdstore *s);

/*
 * A copy of fd is kept under this name, instead of what was. A name has letters, digits, '.', '-'
 * and '_'. Any thread; waits where the service manager has much to read.
 */
void fdstore_keep(const struct fdstore *s, const char *name, int fd);
void fdstore_drop(const struct fdstore *s, const char *name);
