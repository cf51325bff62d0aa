/*
 * Fuzz target of compiled objects: the ELF reader, the decoder, the abstract interpretation and the
 * lifter. What is taken has to be a module that LLVM finds whole (a debug build checks that).
 *
 * Changed bytes of an ELF file are mostly refused by the reader; so three of four changes are made
 * to an instruction: its code, a register, its offset, its number, or another one in its place.
 */
#include "frontend/lift.h"
#include "frontend/object_modern.h"
#include "support/arena.h"
#include "tests/fuzz/fuzz_file.h"

#include <elf.h>
#include <linux/bpf.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* A section of instructions, chosen by the seed; false: there is none that lies in the file. */
static int find_code(const uint8_t *data, size_t size, unsigned seed, Elf64_Shdr *code)
{
	unsigned found = 0;
	Elf64_Shdr section;
	Elf64_Ehdr header;

	if (size < sizeof header)
		return 0;
	memcpy(&header, data, sizeof header);
	for (unsigned n = 0; n < header.e_shnum; n++) {
		if (header.e_shoff > size || size - header.e_shoff < (n + 1) * sizeof section)
			break;
		memcpy(&section, data + header.e_shoff + n * sizeof section, sizeof section);
		if (section.sh_type != SHT_PROGBITS || !(section.sh_flags & SHF_EXECINSTR) ||
		    section.sh_offset > size || section.sh_size > size - section.sh_offset ||
		    section.sh_size < sizeof(struct bpf_insn))
			continue;
		if (seed % ++found == 0)
			*code = section;
	}
	return found != 0;
}

static void change(struct bpf_insn *i, const struct bpf_insn *other, unsigned seed)
{
	static const int32_t numbers[] = {0, 1, -1, 4, 8, -8, -16, 16, 63, 64, -512, INT32_MIN};
	int32_t number = numbers[seed / 64 % (sizeof numbers / sizeof *numbers)];

	switch (seed % 8) {
	case 0:
		i->code = seed >> 8;
		break;
	case 1:
		i->code = other->code;
		break;
	case 2:
		i->dst_reg = seed / 64 % 11;
		break;
	case 3:
		i->src_reg = seed / 64 % 11;
		break;
	case 4:
		i->off = number;
		break;
	case 5:
		i->off += seed & 64 ? 1 : -1;
		break;
	case 6:
		i->imm = seed & 64 ? number : other->imm;
		break;
	default:
		*i = *other;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct bpf_insn one, other;
	Elf64_Shdr code;
	size_t count;
	uint8_t *at;

	if (seed % 4 == 0 || !find_code(data, size, seed >> 2, &code))
		return LLVMFuzzerMutate(data, size, max_size);
	at = data + code.sh_offset;
	count = code.sh_size / sizeof one;
	srand(seed);
	for (int changes = rand() % 3; changes >= 0; changes--) {
		size_t n = (size_t)rand() % count * sizeof one;

		memcpy(&one, at + n, sizeof one);
		memcpy(&other, at + (size_t)rand() % count * sizeof one, sizeof other);
		change(&one, &other, (unsigned)rand());
		memcpy(at + n, &one, sizeof one);
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag diag = fuzz_diag();
	struct arena *arena = arena_new();
	/* A copy of exactly this size: a read behind its end is seen. */
	uint8_t *bytes = malloc(size ? size : 1);
	struct lift_input input = {.bytes = bytes, .size = size, .path = "fuzz.bpf.o"};
	const char *bitcode, *chosen;
	size_t bitcode_size;
	int err;

	require(bytes != NULL, "no memory");
	memcpy(bytes, data, size);
	err = frontend_lift(arena, &input, &bitcode, &bitcode_size, &chosen, &diag);
	require(!err == !diag.errors, "refused without a message, or taken with one");
	if (!err) {
		const char *modern = (const char *)bytes;

		object_modernise(arena, &modern, &size);
	}
	free(bytes);
	arena_free(&arena);
	return 0;
}
