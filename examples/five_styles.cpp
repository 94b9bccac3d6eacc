// Waits for one operation in five ways on one loop. The README shows it.

#include <braid/braid.hpp>

#include <cstdio>
#include <string>

// [five_styles]
auto op() { return braid::read_file("/proc/sys/kernel/osrelease"); }  // a sender: nothing has begun yet

void show(const std::string& text) { std::fputs(text.c_str(), stdout); }

void blocking() { show(braid::run(op())); }  // returns when it is done, throws when it failed
void callback() {
  braid::start(op(), [](braid::result<std::string> text) {
    if (text)
      show(*text);
    else
      show(text.error().message() + "\n");
  });
}
void future() { braid::detach(braid::spawn(op()).then(show)); }
braid::task<> coroutine() { show(co_await op()); }
void fiber() { show(braid::await(op())); }  // reads like blocking code; only this fiber waits

int main() {
  braid::loop loop;  // this thread's loop, on io_uring where the kernel allows it
  blocking();
  callback();
  future();
  braid::detach(coroutine());
  braid::detach(braid::in_fiber(fiber));
  loop.run();  // until no work is left
}
// [/five_styles]
