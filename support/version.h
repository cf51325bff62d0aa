/* What both programs call themselves, and what bundles keep. meson.build says the same. */
#ifndef CLEAVE_SUPPORT_VERSION_H
#define CLEAVE_SUPPORT_VERSION_H

#define CLEAVE_VERSION "0.1.0"

#endif
