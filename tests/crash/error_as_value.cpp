// Takes the value of a result that holds an error.

#include <cstdio>

#include "braid/base/result.hpp"

int main() {
  const braid::result<int> failed = std::errc::timed_out;
  std::printf("lived on with %d\n", *failed);
}
