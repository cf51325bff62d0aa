#include "runtime/host_node.h"

#include <dirent.h>
#include <stdio.h>

uint32_t host_numa_node(uint32_t cpu)
{
	const struct dirent *entry;
	char path[64];
	unsigned node = 0;
	DIR *folder;

	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u", cpu);
	folder = opendir(path);
	if (!folder)
		return 0;
	while ((entry = readdir(folder)))
		if (sscanf(entry->d_name, "node%u", &node) == 1)
			break;
	closedir(folder);
	return node;
}
