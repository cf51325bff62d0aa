#include "bundle/user_abi.h"
