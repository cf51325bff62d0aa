#include "ir/kfuncs.h"

#include <string.h>

#include "ir/helpers.h"
#include "ir/ir.h"

#define VERSION(major, minor) ((major) << 8 | (minor))
#define SUPPORT_TAKEN         NULL
#define SUPPORT_DEVICE        "it needs a program that is bound to one device"
#define SUPPORT_RESIZE        "what it does to packet pointers is not followed"
#define SUPPORT_TABLES        "the stack's flow tables are not followed"
#define SUPPORT_SLEEPS        "only programs that may sleep can call it"
#define SUPPORT_TYPES         "no XDP program has what it takes"
#define SUPPORT_OBJECTS       "objects of the program's own are not followed"
#define SUPPORT_FLOW          "it changes how the program goes on"

static const struct ir_kfunc kfuncs[] = {
#define KFUNC(name, since, support) {#name, since, SUPPORT_##support},
#include "ir/kfuncs.def"
#undef KFUNC
};

const struct ir_kfunc *ir_kfunc_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof kfuncs / sizeof *kfuncs; i++)
		if (strcmp(kfuncs[i].name, name) == 0)
			return &kfuncs[i];
	return NULL;
}

uint32_t ir_op_since(const struct ir_op *op)
{
	const struct ir_helper *helper =
	    op->helper == IR_NONE ? NULL : ir_helper_by_number(op->helper);
	const struct ir_kfunc *kfunc =
	    op->kind == IR_OP_HELPER && op->name ? ir_kfunc_by_name(op->name) : NULL;

	return helper ? helper->since : kfunc ? kfunc->since : 0;
}
