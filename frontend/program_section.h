/*
 * What a function is for, by its section and its context's type. Sections that libbpf knows say it;
 * loaders of their own take sections of any name ("prog", "ingress", "2/1", "redirect_to_111"), and
 * then what the function takes does: `struct xdp_md *` or `struct __sk_buff *`.
 */
#ifndef CLEAVE_FRONTEND_PROGRAM_SECTION_H
#define CLEAVE_FRONTEND_PROGRAM_SECTION_H

#include <stdbool.h>

/* Does libbpf know it as a section of other programs, or of code that is none? */
bool program_section_is_foreign(const char *section);

/*
 * The section that a function of a section of no known kind should stand in ("xdp", "tc",
 * "tc/egress"), or NULL: the section's own name holds, or nothing is known. context: name of the
 * struct that its one parameter points to, or NULL.
 */
const char *program_section_guess(const char *section, const char *context);

#endif
