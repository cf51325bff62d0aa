#include "driver/commands.h"

int main(int argc, char **argv)
{
	return cleave_main(argc, argv);
}
