#include "runtime/check_kernel.h"

#include <string.h>

#include "bundle/user_abi.h"
#include "runtime/verdict_text.h"

void check_kernel_begin(struct check_kernel *kernel, struct host_test *test, bool tc)
{
	uint32_t size;

	kernel->test = test;
	kernel->tc = tc;
	kernel->skb = tc ? host_test_variable(test, CLEAVE_SKB_SYMBOL, &size) : NULL;
	if (kernel->skb && size != sizeof *kernel->skb)
		kernel->skb = NULL;
	kernel->inputs = host_test_variable(test, CLEAVE_REPLAY_SYMBOL, NULL);
	kernel->redirect = host_test_variable(test, CLEAVE_REDIRECT_SYMBOL, &size);
	if (size != sizeof *kernel->redirect)
		kernel->redirect = NULL;
}

int check_kernel_run(struct check_kernel *kernel, const struct test_packet *packet,
		     const struct cleave_replay_inputs *inputs)
{
	if (kernel->inputs)
		*kernel->inputs = *inputs;
	if (kernel->redirect)
		memset(kernel->redirect, 0, sizeof *kernel->redirect);
	return host_test_run(kernel->test, packet, &kernel->result);
}

/* A test run carries no redirect out, so the program notes what it asked for. */
static void take_redirect(const struct cleave_replay_redirect *redirect,
			  struct check_outcome *outcome)
{
	outcome->redirect_known = redirect && verdict_redirects(outcome->tc, redirect->action);
	if (!outcome->redirect_known)
		return;
	outcome->redirect_kind = redirect->kind;
	outcome->redirect_target = redirect->target;
	outcome->redirect_map = redirect->map;
	outcome->redirect_flags = redirect->flags;
}

void check_kernel_outcome(const struct check_kernel *kernel, struct check_outcome *outcome)
{
	const struct host_test_result *result = &kernel->result;

	outcome->tc = kernel->tc;
	outcome->skb_known = kernel->skb;
	if (kernel->skb)
		outcome->skb = *kernel->skb;
	outcome->verdict = result->verdict;
	events_clear(&outcome->events);
	outcome->handed_over = false;
	outcome->entry = 0;
	take_redirect(kernel->redirect, outcome);
	outcome->meta = result->meta < CHECK_META_MAX ? result->meta : CHECK_META_MAX;
	memcpy(outcome->meta_bytes, result->bytes, outcome->meta);
	outcome->size = result->size;
	memcpy(outcome->bytes, result->bytes + result->meta, result->size);
}
