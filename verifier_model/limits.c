#include "verifier_model/verifier_model.h"

#include <assert.h>

static const struct verifier_limits limits[] = {
#define KERNEL(major, minor, complexity, stack, metadata)                                          \
	{VERIFIER_VERSION(major, minor), complexity, stack, metadata},
#define FEATURE(id, major, minor, text)
#include "verifier_model/kernel_limits.def"
#undef FEATURE
#undef KERNEL
};

static const struct {
	uint32_t since;
	const char *text;
} features[] = {
#define KERNEL(major, minor, complexity, stack, metadata)
#define FEATURE(id, major, minor, text) [VERIFIER_##id] = {VERIFIER_VERSION(major, minor), text},
#include "verifier_model/kernel_limits.def"
#undef FEATURE
#undef KERNEL
};
static_assert(sizeof features / sizeof *features == VERIFIER_FEATURE_COUNT, "one row per feature");

const struct verifier_limits *verifier_limits_get(uint32_t version)
{
	const struct verifier_limits *found = &limits[0];

	for (size_t i = 1; i < sizeof limits / sizeof *limits; i++)
		if (limits[i].version <= version)
			found = &limits[i];
	return found;
}

bool verifier_has(uint32_t version, enum verifier_feature feature)
{
	assert(feature < VERIFIER_FEATURE_COUNT);
	return version >= features[feature].since;
}

const char *verifier_feature_text(enum verifier_feature feature)
{
	assert(feature < VERIFIER_FEATURE_COUNT);
	return features[feature].text;
}

uint32_t verifier_feature_since(enum verifier_feature feature)
{
	assert(feature < VERIFIER_FEATURE_COUNT);
	return features[feature].since;
}
