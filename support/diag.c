#include "support/diag.h"

#include <stdarg.h>
#include <stdlib.h>

static void print_source_line(FILE *out, struct src_loc loc)
{
	FILE *f = fopen(loc.file, "r");
	char *text = NULL;
	size_t cap = 0;
	ssize_t length = -1;

	if (!f)
		return;
	for (unsigned line = 0; line < loc.line; line++) {
		length = getline(&text, &cap, f);
		if (length < 0)
			break;
	}
	if (length > 0) {
		if (text[length - 1] == '\n')
			text[--length] = '\0';
		fprintf(out, "%6u | %s\n", loc.line, text);
		if (loc.column && loc.column <= (size_t)length + 1) {
			fputs("       | ", out);
			for (unsigned i = 1; i < loc.column; i++)
				fputc(text[i - 1] == '\t' ? '\t' : ' ', out);
			fputs("^\n", out);
		}
	}
	free(text);
	fclose(f);
}

static void report(struct diag *diag, struct src_loc loc, const char *kind, const char *format,
		   va_list args)
{
	if (!loc.file)
		fprintf(diag->out, "%s: ", diag->prog ? diag->prog : "cleave");
	else if (loc.column)
		fprintf(diag->out, "%s:%u:%u: ", loc.file, loc.line, loc.column);
	else if (loc.line)
		fprintf(diag->out, "%s:%u: ", loc.file, loc.line);
	else
		fprintf(diag->out, "%s: ", loc.file);
	fprintf(diag->out, "%s: ", kind);
	vfprintf(diag->out, format, args);
	fputc('\n', diag->out);
	if (loc.file && loc.line)
		print_source_line(diag->out, loc);
}

#define REPORT(kind)                                                                               \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		report(diag, loc, kind, format, args);                                             \
		va_end(args);                                                                      \
	} while (0)

void diag_error(struct diag *diag, struct src_loc loc, const char *format, ...)
{
	diag->errors++;
	REPORT("error");
}

void diag_warning(struct diag *diag, struct src_loc loc, const char *format, ...)
{
	diag->warnings++;
	REPORT("warning");
}

void diag_note(struct diag *diag, struct src_loc loc, const char *format, ...)
{
	REPORT("note");
}
