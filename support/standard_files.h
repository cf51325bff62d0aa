/*
 * Standard input, output and error of a program that anybody may start in any way: with one of them
 * closed, or with standard output on a full disk. Called first and last in main().
 */
#ifndef CLEAVE_SUPPORT_STANDARD_FILES_H
#define CLEAVE_SUPPORT_STANDARD_FILES_H

/*
 * Opens those that are closed. Else the next file that the program opens would have their number,
 * and messages would go into it.
 */
void standard_files_open(void);
/*
 * The exit code to end with: code, or EXIT_CLEAVE_HOST (reported) when something that was printed
 * did not arrive.
 */
int standard_files_close(const char *prog, int code);

#endif
