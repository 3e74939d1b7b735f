#include "stack.h"
#include "suite.h"
START_TEST(test_a)
{
	struct frame_spec syn = { .options = { FRAME_LINUX_SYN(1460, 5000, 7) } };
	struct prog *p = prog_new(stack_new());
	stack_listen(.backlog = 16);
	expect_verdict(p, SG_XDP, &syn, SG_V_SYN_ADMITTED);
	prog_defend(p, &syn);
	expect_verdict(p, SG_XDP, &syn, SG_V_CHALLENGED);
	prog_free(p);
}
END_TEST
int main(int c, char **v){ Suite *s=suite_create("x"); SUITE_TEST(s,test_a,10); return prog_may_run()? suite_main(s,c,v):77; }
