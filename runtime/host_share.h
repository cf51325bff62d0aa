/*
 * The programs of a pair lie in two objects and have the same maps and variables: those of the
 * second object are not made but taken from the first, which is loaded already.
 */
#ifndef CLEAVE_RUNTIME_HOST_SHARE_H
#define CLEAVE_RUNTIME_HOST_SHARE_H

struct bpf_object;

/*
 * Between opening and loading `object`. Each stays with its own: read-only data, arrays of
 * programs, and of Cleave's own maps all but those that order packets. Returns 0 or a negative
 * errno: -EBADMSG when the two do not fit.
 */
int host_share_maps(struct bpf_object *object, struct bpf_object *with);

#endif
