#include "driver/commands.h"
#include "support/standard_files.h"

int main(int argc, char **argv)
{
	standard_files_open();
	return standard_files_close("cleave", cleave_main(argc, argv));
}
