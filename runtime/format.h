/*
 * Text as the kernel's helpers make and read it: bpf_snprintf, bpf_trace_printk, bpf_trace_vprintk,
 * bpf_strtol, bpf_strtoul. Results are the kernel's, errors included (kernel/bpf/helpers.c,
 * lib/vsprintf.c and lib/kstrtox.c of Linux 6.18); but an address prints as it is, where the kernel
 * would print a hash of it or the name of a symbol.
 */
#ifndef CLEAVE_RUNTIME_FORMAT_H
#define CLEAVE_RUNTIME_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes at most size bytes, a NUL included, to out. Returns the length of the whole text without
 * its NUL, or -EINVAL (a conversion that the kernel does not take, more conversions than arguments,
 * no NUL in format[0 .. format_size)) or -ENOSPC (strings of more than 512 bytes).
 */
int format_print(char *out, size_t size, const char *format, size_t format_size,
		 const uint64_t *arguments, uint32_t count);

/*
 * A number at the start of text[0 .. size), behind blanks. flags: the base (0, 8, 10, 16). Returns
 * the bytes that were read, or -EINVAL or -ERANGE and sets the number to 0.
 */
int format_read_signed(const char *text, size_t size, uint64_t flags, int64_t *number);
int format_read_unsigned(const char *text, size_t size, uint64_t flags, uint64_t *number);

#endif
