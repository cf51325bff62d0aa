#include "runtime/verdict_text.h"

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>

static const char *const xdp[] = {
    [XDP_ABORTED] = "XDP_ABORTED", [XDP_DROP] = "XDP_DROP",         [XDP_PASS] = "XDP_PASS",
    [XDP_TX] = "XDP_TX",           [XDP_REDIRECT] = "XDP_REDIRECT",
};

enum { UNSPEC = TC_ACT_TRAP + 1 };

static const char *const tc_act[] = {
    [TC_ACT_OK] = "TC_ACT_OK",         [TC_ACT_RECLASSIFY] = "TC_ACT_RECLASSIFY",
    [TC_ACT_SHOT] = "TC_ACT_SHOT",     [TC_ACT_PIPE] = "TC_ACT_PIPE",
    [TC_ACT_STOLEN] = "TC_ACT_STOLEN", [TC_ACT_QUEUED] = "TC_ACT_QUEUED",
    [TC_ACT_REPEAT] = "TC_ACT_REPEAT", [TC_ACT_REDIRECT] = "TC_ACT_REDIRECT",
    [TC_ACT_TRAP] = "TC_ACT_TRAP",     [UNSPEC] = "TC_ACT_UNSPEC",
};

enum { XDP_NAMES = sizeof xdp / sizeof *xdp, TC_NAMES = sizeof tc_act / sizeof *tc_act };
_Static_assert((int)XDP_NAMES < (int)VERDICT_CELLS && (int)TC_NAMES < (int)VERDICT_CELLS,
	       "a cell for each");

unsigned verdict_cell_count(bool tc)
{
	return (tc ? TC_NAMES : XDP_NAMES) + 1;
}

unsigned verdict_cell_of(bool tc, uint32_t verdict)
{
	unsigned other = verdict_cell_count(tc) - 1;

	if (tc && verdict == (uint32_t)TC_ACT_UNSPEC)
		return UNSPEC;
	return verdict < other && !(tc && verdict == UNSPEC) ? verdict : other;
}

const char *verdict_cell_text(bool tc, unsigned cell)
{
	if (cell >= verdict_cell_count(tc) - 1)
		return "other";
	return tc ? tc_act[cell] : xdp[cell];
}

const char *verdict_text(bool tc, uint32_t verdict)
{
	unsigned cell = verdict_cell_of(tc, verdict);

	return cell == verdict_cell_count(tc) - 1 ? "an unknown verdict"
						  : verdict_cell_text(tc, cell);
}

bool verdict_redirects(bool tc, uint32_t verdict)
{
	return verdict == (tc ? (uint32_t)TC_ACT_REDIRECT : (uint32_t)XDP_REDIRECT);
}

bool verdict_goes_on(bool tc, uint32_t verdict)
{
	if (!tc)
		return verdict == XDP_PASS || verdict == XDP_TX || verdict == XDP_REDIRECT;
	switch ((int)verdict) {
	case TC_ACT_SHOT:
	case TC_ACT_STOLEN:
	case TC_ACT_QUEUED:
	case TC_ACT_TRAP:
		return false;
	default:
		return true;
	}
}
