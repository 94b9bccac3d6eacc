// What this machine and this build offer braid: what is well, what is wrong, and how to mend it.
// Exit 0 when a loop runs here, 1 when not, 2 for arguments, of which there are none.

#include <braid/braid.hpp>

#include <sys/resource.h>
#include <sys/utsname.h>

#include <cstdio>
#include <exception>
#include <string>

#include "closure_copies.hpp"
#include "report.hpp"
#include "tail_calls.hpp"

namespace {

void kernel(report& found) {
  utsname name{};
  if (::uname(&name) != 0) return found.note("kernel: unknown");
  found.good(std::string("kernel ") + name.sysname + " " + name.release + ", " + name.machine);
}

void io_uring(report& found) {
  const braid::io_uring_report ring = braid::probe_io_uring();
  if (!ring.usable())
    return found.wrong("io_uring is refused (" + ring.refused.message() + "): " + ring.cause, ring.remedy);
  found.good("io_uring is allowed");
  std::string taken, refused;
  for (const auto& flag : ring.setup_flags)
    (flag.taken ? taken : refused) += "\n          " + std::string(flag.name);
  if (!taken.empty()) found.good("set-up flags that the ring takes:" + taken);
  if (!refused.empty()) found.note("set-up flags that the ring goes without, more slowly:" + refused);
  if (ring.ring_registered)
    found.good("the ring's descriptor is registered");
  else
    found.note("the ring's descriptor cannot be registered: a little is lost in each system call");
  for (const auto& name : ring.lacking_operations)
    found.note("this kernel's io_uring has no " + std::string(name) + ": the blocking pool does it");
}

std::string amount(rlim_t limit, rlim_t unit, const char* name) {
  return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit / unit) + name;
}

void limits(report& found) {
  rlimit memory{}, descriptors{};
  ::getrlimit(RLIMIT_MEMLOCK, &memory);
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  // Kernels before 5.12 counted rings against it; those that braid runs on count registered buffers only.
  found.good("RLIMIT_MEMLOCK: " + amount(memory.rlim_cur, 1024, " KiB"));
  const std::string open = "RLIMIT_NOFILE: " + amount(descriptors.rlim_cur, 1, " descriptors");
  if (descriptors.rlim_cur >= 1024) return found.good(open);
  if (descriptors.rlim_max >= 1024) return found.wrong(open, "ulimit -n 1024, or more");
  found.wrong(open,
              "raise the hard limit: '* hard nofile 4096' in /etc/security/limits.conf, then log in again");
}

void compiler(report& found) {
#if defined(__clang__)
  const std::string name = "clang " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__);
#elif defined(__GNUC__)
  const std::string name = "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__);
#else
  const std::string name = "a compiler that braid is not tested with";
#endif
  found.good("built with " + name);
  if (tail_call_probe::stack_stays())
    found.good("with this build's flags it makes a tail call of a transfer between coroutines");
  else
    found.note(
        "with this build's flags it makes no tail call of a transfer between coroutines, which would use up\n"
        "        the stack; braid's own transfers need none");
  if (closure_copy_probe::captures_stay_whole())
    found.good("closures and aggregates inside co_await expressions are built in place");
  else
    found.note(
        "it copies closures and aggregates byte by byte where they are written inside a co_await "
        "expression,\n"
        "        and destroys what they hold twice: give them a name first (docs/compilers.md), or use "
        "clang");
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
  found.note("g++ before 13 warns of overlapping copies where strings are put together: -Wno-restrict");
#endif
}

// The proof: a loop, made as any program's, and one request through it.
void loop(report& found) {
  try {
    braid::loop here;
    here.run(braid::nop());
    found.good(std::string("a loop runs on ") + here.reactor_name() + ", " +
               std::to_string(here.options().entries) + " entries: a request went through it");
  } catch (const std::invalid_argument& word) {
    found.wrong(word.what(), "unset BRAID_BACKEND");
  } catch (const std::exception& refused) {
    found.wrong(std::string("no loop can be made: ") + refused.what(),
                "as said above; there is no other reactor yet");
  }
}

}  // namespace

int main(int count, char**) {
  if (count != 1) {
    std::fputs("usage: doctor\n", stderr);
    return 2;
  }
  report found;
  kernel(found);
  io_uring(found);
  limits(found);
  compiler(found);
  loop(found);
  return found.anything_wrong() ? 1 : 0;
}
