#include "bundle/kernel_abi.h"
