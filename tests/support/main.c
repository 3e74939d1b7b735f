/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main() of the test programs that have none of their own. */
#include "suite.h"

int main(int argc, char **argv)
{
	return suite_main(argc, argv);
}
