// A program that includes this header alone has all that it declares, and none of it from the library.
#include "braid/loop/clock.hpp"

int main() { return braid::loop_clock::now() > braid::loop_clock::time_point{} ? 0 : 1; }
