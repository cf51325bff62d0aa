/* Exit codes of every program of Cleave. */
#ifndef CLEAVE_SUPPORT_EXIT_CODES_H
#define CLEAVE_SUPPORT_EXIT_CODES_H

enum {
	EXIT_CLEAVE_OK = 0,
	/* the input is at fault; the message has file:line where there is one */
	EXIT_CLEAVE_INPUT = 1,
	EXIT_CLEAVE_USAGE = 2, /* the command line is at fault */
	/* privilege, kernel feature or interface; the message says what to do */
	EXIT_CLEAVE_HOST = 3,
	EXIT_CLEAVE_BUG = 70, /* a bug in Cleave */
};

#endif
