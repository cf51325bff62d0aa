/*
 * Tail calls in the graph: the intrinsics that stand for them, and what the kernel allows.
 *
 *     void @cleave.tail.start()          the first program starts: no call so far
 *     void @cleave.tail.enter(ptr map, i32 K)
 *                                        such a call succeeds: K is entered at the block's end
 *     i32  @cleave.tail.entered(i32 K, i32 n)
 *                                        program K was called by another: the number of calls so
 *                                        far, which is n where they were all in user
 *     void @cleave.tail.begin()          program K begins here: a packet may be handed over before
 *     i32  @cleave.help.tail_call(ptr ctx, ptr map, i32 index, i32 depth)
 *                                        the program that is entered, or -1
 */
#ifndef CLEAVE_IR_TAIL_CALLS_H
#define CLEAVE_IR_TAIL_CALLS_H

#define TAIL_PREFIX  "cleave.tail."
#define TAIL_START   TAIL_PREFIX "start"
#define TAIL_ENTER   TAIL_PREFIX "enter"
#define TAIL_ENTERED TAIL_PREFIX "entered"
#define TAIL_BEGIN   TAIL_PREFIX "begin"
/* of the kernel part alone: the number of the program that runs, 0: the first, not called */
#define TAIL_PROGRAM TAIL_PREFIX "program"

#define MAX_TAIL_CALL_CNT 33 /* include/linux/bpf.h */

#endif
