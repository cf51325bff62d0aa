/*
 * The names of a program's source files. Debug info, and so every part in a bundle, names files
 * from the folder of the source (`./nf.h`, `./../net/parse.h`): the same source gives the same
 * bytes wherever it lies. People are shown the path that they gave.
 */
#ifndef CLEAVE_IR_SOURCE_FILE_H
#define CLEAVE_IR_SOURCE_FILE_H

#include <stddef.h>

struct ir_program;

/* For messages and listings: a name from debug info as a path that can be opened. In the arena. */
const char *ir_shown_file(const struct ir_program *program, const char *name, size_t length);
/* For what is kept in a bundle: the same file (as ir_shown_file gave it) from the source's folder.
 */
const char *ir_stored_file(const struct ir_program *program, const char *file);

#endif
