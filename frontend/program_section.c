#include "frontend/program_section.h"

#include <ctype.h>
#include <string.h>

#include "ir/ir.h"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* "tp/syscalls/..." and "tp.w" are of the kind "tp", "tps_ingress" is a name of its own. */
static bool is_end(const char *kind, char next)
{
	return !isalnum((unsigned char)kind[strlen(kind) - 1]) ||
	       !(isalpha((unsigned char)next) || next == '_');
}

bool program_section_is_foreign(const char *section)
{
	static const char *const kinds[] = {
	    "socket",       "kprobe",     "kretprobe",      "ksyscall",
	    "uprobe",       "uretprobe",  "usdt",           "tp",
	    "tracepoint",   "raw_tp",     "raw_tracepoint", "fentry",
	    "fexit",        "fmod_ret",   "freplace",       "lsm",
	    "iter",         "cgroup",     "sk_msg",         "sk_skb",
	    "tp_btf",       "cgroup_",    "lsm_cgroup",     "sockops",
	    "sk_reuseport", "sk_lookup",  "flow_dissector", "perf_event",
	    "lwt_",         "struct_ops", "syscall",        "netfilter",
	    "lirc_mode2",   "xdp/devmap", "xdp/cpumap",     "xdp_devmap",
	    "xdp_cpumap",   "xdp.frags/", ".text"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (begins(section, kinds[i]) && is_end(kinds[i], section[strlen(kinds[i])]))
			return true;
	return false;
}

const char *program_section_guess(const char *section, const char *context)
{
	enum ir_program_kind kind;

	if (!section || ir_section_kind(section, &kind) || program_section_is_foreign(section))
		return NULL;
	if (context && !strcmp(context, "__sk_buff"))
		return strstr(section, "egress") ? "tc/egress" : "tc";
	if (context)
		return strcmp(context, "xdp_md") ? NULL : "xdp";
	return begins(section, "prog") || strstr(section, "xdp") ? "xdp" : NULL;
}
