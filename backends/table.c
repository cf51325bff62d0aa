#include "backends/backend.h"
#include "backends/user/user.h"
#include "backends/xdp/xdp.h"

const struct backend *const backend_table[] = {&backend_xdp, &backend_user, &backend_replay, NULL};
