// SPDX-License-Identifier: Apache-2.0
#include "control/cli.hpp"

int main(int argc, char** argv) { return talweg::control::run_command_line(argc, argv); }
