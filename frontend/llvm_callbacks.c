/*
 * Helpers that call back become loops in the program's own code, before anything is inlined:
 * bpf_loop, and bpf_for_each_map_elem over arrays. Then a callback's ops are the program's like any
 * others, with cuts between them.
 *
 *     bpf_loop(n, f, c, flags)     flags ? -EINVAL : n > BPF_MAX_LOOPS ? -E2BIG :
 *                                  for (i = 0; i < n; i++) if (f(i, c)) return i + 1; return i;
 *     bpf_for_each_map_elem(m, f, c, flags)
 *                                  the same with f(m, &i, look-up of i, c)
 *
 * as kernel/bpf/bpf_iter.c and arraymap.c do it. Each call becomes one of a function of its own, so
 * that inlining does the rest; what is not understood is left as it is, and refused with other
 * helpers.
 */
#include "frontend/llvm_stages.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "ir/helpers.h"
#include "support/arena.h"
#include "support/map_types.h"

#define ENTRIES_INTRINSIC "cleave.each.entries"
#define LOOPS_MAX         (1u << 23) /* BPF_MAX_LOOPS in kernel/bpf/bpf_iter.c */

struct expansion {
	struct ir_program *program;
	LLVMModuleRef module;
	LLVMContextRef context;
	LLVMBuilderRef b;
	LLVMTypeRef i1, i32, i64, ptr;
	LLVMValueRef function; /* that the call becomes one of */
	LLVMValueRef callback;
};

static LLVMBasicBlockRef add_block(struct expansion *x, const char *name)
{
	return LLVMAppendBasicBlockInContext(x->context, x->function, name);
}

static LLVMValueRef number(struct expansion *x, int64_t n)
{
	return LLVMConstInt(x->i64, (uint64_t)n, 1);
}

/* A callback with the helper's number of parameters that returns a number. */
static LLVMValueRef callback_of(LLVMValueRef call, unsigned operand, unsigned params)
{
	LLVMValueRef f = LLVMGetOperand(call, operand);

	if (!LLVMIsAFunction(f) || LLVMIsDeclaration(f) || LLVMCountParams(f) > params ||
	    LLVMGetTypeKind(LLVMGetReturnType(LLVMGlobalGetValueType(f))) != LLVMIntegerTypeKind)
		return NULL;
	return f;
}

/* Calls the callback with as many of the arguments as it takes; what it returns, or'ed to a bit. */
static LLVMValueRef call_back(struct expansion *x, LLVMValueRef *arguments)
{
	LLVMTypeRef type = LLVMGlobalGetValueType(x->callback), types[5];
	unsigned count = LLVMCountParams(x->callback);
	LLVMValueRef result;

	LLVMGetParamTypes(type, types);
	for (unsigned a = 0; a < count; a++)
		if (LLVMGetTypeKind(types[a]) == LLVMIntegerTypeKind &&
		    LLVMGetTypeKind(LLVMTypeOf(arguments[a])) == LLVMIntegerTypeKind)
			arguments[a] = LLVMBuildIntCast2(x->b, arguments[a], types[a], 0, "");
	result = LLVMBuildCall2(x->b, type, x->callback, arguments, count, "");
	return LLVMBuildICmp(x->b, LLVMIntNE, result, LLVMConstNull(LLVMTypeOf(result)), "stop");
}

static LLVMValueRef start_function(struct expansion *x, LLVMValueRef call, const char *name)
{
	unsigned count = LLVMGetNumArgOperands(call);
	unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
	LLVMTypeRef types[5];

	for (unsigned a = 0; a < count; a++)
		types[a] = LLVMTypeOf(LLVMGetOperand(call, a));
	x->function = LLVMAddFunction(x->module, name, LLVMFunctionType(x->i64, types, count, 0));
	LLVMSetLinkage(x->function, LLVMInternalLinkage);
	LLVMAddAttributeAtIndex(x->function, LLVMAttributeFunctionIndex,
				LLVMCreateEnumAttribute(x->context, kind, 0));
	LLVMPositionBuilderAtEnd(x->b, add_block(x, "start"));
	return x->function;
}

/* Returns `error` where the test holds, and goes on behind it. */
static void return_if(struct expansion *x, LLVMValueRef test, int64_t error)
{
	LLVMBasicBlockRef bad = add_block(x, "bad"), good = add_block(x, "good");

	LLVMBuildCondBr(x->b, test, bad, good);
	LLVMPositionBuilderAtEnd(x->b, bad);
	LLVMBuildRet(x->b, number(x, error));
	LLVMPositionBuilderAtEnd(x->b, good);
}

static void refuse_flags(struct expansion *x, unsigned parameter)
{
	LLVMValueRef flags = LLVMGetParam(x->function, parameter);

	return_if(x, LLVMBuildICmp(x->b, LLVMIntNE, flags, LLVMConstNull(LLVMTypeOf(flags)), ""),
		  -EINVAL);
}

/* The kernel's verifier takes such a loop for one round, as long as it stands as the source has
 * it. */
static void mark_rolled(struct expansion *x, LLVMValueRef branch)
{
	unsigned kind = LLVMGetMDKindIDInContext(x->context, ROLLED_LOOP, strlen(ROLLED_LOOP));
	LLVMMetadataRef node = LLVMMDNodeInContext2(x->context, NULL, 0);

	LLVMSetMetadata(branch, kind, LLVMMetadataAsValue(x->context, node));
}

struct counted {
	LLVMValueRef i; /* 32 bits, counts from 0 */
	LLVMBasicBlockRef head;
};

/* for (i = 0; i < n; i++) { ...the builder is left here; */
static struct counted open_loop(struct expansion *x, LLVMValueRef n)
{
	LLVMBasicBlockRef before = LLVMGetInsertBlock(x->b), body, done;
	LLVMValueRef zero = LLVMConstNull(x->i32);
	struct counted loop = {.head = add_block(x, "head")};

	body = add_block(x, "body");
	done = add_block(x, "done");
	LLVMBuildBr(x->b, loop.head);
	LLVMPositionBuilderAtEnd(x->b, loop.head);
	loop.i = LLVMBuildPhi(x->b, x->i32, "i");
	LLVMAddIncoming(loop.i, &zero, &before, 1);
	mark_rolled(
	    x, LLVMBuildCondBr(x->b, LLVMBuildICmp(x->b, LLVMIntULT, loop.i, n, ""), body, done));
	LLVMPositionBuilderAtEnd(x->b, done);
	LLVMBuildRet(x->b, LLVMBuildZExt(x->b, loop.i, x->i64, ""));
	LLVMPositionBuilderAtEnd(x->b, body);
	return loop;
}

/* ... if (stop) return i + 1; } return i; */
static void close_loop(struct expansion *x, struct counted loop, LLVMValueRef stop)
{
	LLVMBasicBlockRef latch = LLVMGetInsertBlock(x->b), out = add_block(x, "out");
	LLVMValueRef next = LLVMBuildAdd(x->b, loop.i, LLVMConstInt(x->i32, 1, 0), "");

	LLVMBuildCondBr(x->b, stop, out, loop.head);
	LLVMAddIncoming(loop.i, &next, &latch, 1);
	LLVMPositionBuilderAtEnd(x->b, out);
	LLVMBuildRet(x->b, LLVMBuildZExt(x->b, next, x->i64, ""));
}

/*
 * Where the verifier puts the loop in place of the call, which constant flags of 0 are enough for,
 * the error has 32 bits (inline_bpf_loop in kernel/bpf/verifier.c).
 */
static int64_t too_many(LLVMValueRef call)
{
	LLVMValueRef flags = LLVMGetOperand(call, 3);

	return LLVMIsAConstantInt(flags) && !LLVMConstIntGetZExtValue(flags)
		   ? (int64_t)(uint32_t)-E2BIG
		   : (int64_t)-E2BIG;
}

static bool expand_loop(struct expansion *x, LLVMValueRef call)
{
	x->callback = callback_of(call, 1, 2);
	if (!x->callback || LLVMTypeOf(LLVMGetOperand(call, 0)) != x->i32)
		return false;
	start_function(x, call, "cleave.loop");
	refuse_flags(x, 3);
	LLVMValueRef n = LLVMGetParam(x->function, 0);
	LLVMValueRef most = LLVMConstInt(x->i32, LOOPS_MAX, 0);
	return_if(x, LLVMBuildICmp(x->b, LLVMIntUGT, n, most, ""), too_many(call));
	struct counted loop = open_loop(x, n);
	LLVMValueRef arguments[] = {loop.i, LLVMGetParam(x->function, 2)};
	close_loop(x, loop, call_back(x, arguments));
	return true;
}

static LLVMValueRef map_entries(struct expansion *x, LLVMValueRef map)
{
	LLVMTypeRef type = LLVMFunctionType(x->i32, &x->ptr, 1, 0);
	LLVMValueRef f = LLVMGetNamedFunction(x->module, ENTRIES_INTRINSIC);

	if (!f)
		f = LLVMAddFunction(x->module, ENTRIES_INTRINSIC, type);
	return LLVMBuildCall2(x->b, type, f, &map, 1, "entries");
}

static LLVMValueRef look_up(struct expansion *x, LLVMValueRef map, LLVMValueRef key)
{
	LLVMValueRef address = number(x, BPF_FUNC_map_lookup_elem), arguments[] = {map, key};
	LLVMTypeRef types[] = {x->ptr, x->ptr};

	return LLVMBuildCall2(x->b, LLVMFunctionType(x->ptr, types, 2, 0),
			      LLVMConstIntToPtr(address, x->ptr), arguments, 2, "value");
}

/* An element of an array always is there; the kernel's verifier wants to see it asked. */
static void leave_without(struct expansion *x, struct counted loop, LLVMValueRef value)
{
	LLVMBasicBlockRef none = add_block(x, "none"), some = add_block(x, "some");

	LLVMBuildCondBr(x->b, LLVMBuildIsNull(x->b, value, ""), none, some);
	LLVMPositionBuilderAtEnd(x->b, none);
	LLVMBuildRet(x->b, LLVMBuildZExt(x->b, loop.i, x->i64, ""));
	LLVMPositionBuilderAtEnd(x->b, some);
}

static bool is_array(struct ir_program *program, LLVMValueRef map)
{
	uint32_t type = frontend_is_map(map) ? frontend_map_type(program, map) : 0;

	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* The map itself has to be known at the call: its size becomes the loop's bound. */
static bool expand_each(struct expansion *x, LLVMValueRef call)
{
	LLVMValueRef map = LLVMGetOperand(call, 0);

	x->callback = callback_of(call, 1, 4);
	if (!x->callback || !LLVMIsAGlobalVariable(map) || !is_array(x->program, map))
		return false;
	start_function(x, call, "cleave.each");
	LLVMValueRef key = LLVMBuildAlloca(x->b, x->i32, "key");
	refuse_flags(x, 3);
	struct counted loop = open_loop(x, map_entries(x, map));
	LLVMBuildStore(x->b, loop.i, key);
	LLVMValueRef value = look_up(x, map, key);
	leave_without(x, loop, value);
	LLVMValueRef arguments[] = {map, key, value, LLVMGetParam(x->function, 2)};
	close_loop(x, loop, call_back(x, arguments));
	return true;
}

static long called_helper(LLVMValueRef call)
{
	LLVMValueRef callee = LLVMGetCalledValue(call);

	if (!LLVMIsAConstantExpr(callee) || LLVMGetConstOpcode(callee) != LLVMIntToPtr ||
	    !LLVMIsAConstantInt(LLVMGetOperand(callee, 0)))
		return 0;
	return (long)LLVMConstIntGetZExtValue(LLVMGetOperand(callee, 0));
}

static void expand_call(struct expansion *x, LLVMValueRef call)
{
	LLVMValueRef arguments[4], made;
	long helper = called_helper(call);

	if (LLVMGetNumArgOperands(call) != 4 || LLVMTypeOf(call) != x->i64)
		return;
	if (!(helper == BPF_FUNC_loop && expand_loop(x, call)) &&
	    !(helper == BPF_FUNC_for_each_map_elem && expand_each(x, call)))
		return;
	for (unsigned a = 0; a < 4; a++)
		arguments[a] = LLVMGetOperand(call, a);
	LLVMPositionBuilderBefore(x->b, call);
	LLVMSetCurrentDebugLocation2(x->b, LLVMInstructionGetDebugLoc(call));
	made = LLVMBuildCall2(x->b, LLVMGlobalGetValueType(x->function), x->function, arguments, 4,
			      "");
	LLVMReplaceAllUsesWith(call, made);
	LLVMInstructionEraseFromParent(call);
	LLVMSetCurrentDebugLocation2(x->b, NULL);
}

int frontend_expand_callbacks(struct ir_program *program, struct diag *diag)
{
	LLVMContextRef context = program->llvm->context;
	struct expansion x = {.program = program,
			      .module = program->llvm->module,
			      .context = context,
			      .b = LLVMCreateBuilderInContext(context),
			      .i1 = LLVMInt1TypeInContext(context),
			      .i32 = LLVMInt32TypeInContext(context),
			      .i64 = LLVMInt64TypeInContext(context),
			      .ptr = LLVMPointerTypeInContext(context, 0)};
	LLVMValueRef f = LLVMGetFirstFunction(x.module);

	for (; f; f = LLVMGetNextFunction(f)) {
		LLVMValueRef i = LLVMIsDeclaration(f) ? NULL : frontend_first_instruction(f), next;

		for (; i; i = next) {
			next = frontend_next_instruction(i);
			if (LLVMIsACallInst(i))
				expand_call(&x, i);
		}
	}
	LLVMDisposeBuilder(x.b);
	return 0;
}

static const struct ir_map *find_map(const struct ir_program *program, LLVMValueRef value)
{
	for (size_t m = 0; m < program->map_count; m++)
		if (program->maps[m].value == value)
			return &program->maps[m];
	return NULL;
}

int frontend_size_maps(struct ir_program *program, struct diag *diag)
{
	LLVMValueRef f = LLVMGetNamedFunction(program->llvm->module, ENTRIES_INTRINSIC);
	int err = 0;

	for (LLVMUseRef use = f ? LLVMGetFirstUse(f) : NULL, next; use; use = next) {
		LLVMValueRef call = LLVMGetUser(use);
		const struct ir_map *map = find_map(program, LLVMGetOperand(call, 0));

		next = LLVMGetNextUse(use);
		if (!map ||
		    (map->type != BPF_MAP_TYPE_ARRAY && map->type != BPF_MAP_TYPE_PERCPU_ARRAY))
			err = frontend_refuse(program, diag, frontend_value_loc(program, call),
					      IR_REASON_UNSUPPORTED_HELPER,
					      arena_printf(program->arena,
							   "for_each_map_elem over map type %s",
							   map ? map_type_text(map->type) : "?"));
		LLVMReplaceAllUsesWith(
		    call, LLVMConstInt(LLVMTypeOf(call), map ? map->max_entries : 0, 0));
		LLVMInstructionEraseFromParent(call);
	}
	if (f)
		LLVMDeleteFunction(f);
	return err;
}
