// A program that includes this header alone has all that it declares.
#include "braid/loop/loop.hpp"

#include "braid/core/just.hpp"

int main() {
  braid::loop here;
  return here.run(braid::just(0));
}
