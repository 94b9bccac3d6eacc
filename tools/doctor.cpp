// Diagnoses this machine and this build for braid: what works, what is wrong, and how to fix it.
// Exits with 0 when a loop runs here, 1 when none does, 2 when it is given arguments.

#include <braid/braid.hpp>

#include <sys/resource.h>
#include <sys/utsname.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include "await_copies.hpp"
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
  // Only a note, since epoll can replace it. The last check says which reactor a loop gets.
  if (!ring.usable())
    return found.note("io_uring is refused (" + ring.refused.message() + "): " + ring.cause +
                      "\n        fix: " + ring.remedy);
  found.good("io_uring is allowed");
  std::string taken, refused;
  for (const auto& flag : ring.setup_flags)
    (flag.taken ? taken : refused) += "\n          " + std::string(flag.name);
  if (!taken.empty()) found.good("set-up flags that the ring uses:" + taken);
  if (!refused.empty()) found.note("set-up flags that the ring lacks, which makes it slower:" + refused);
  if (ring.ring_registered)
    found.good("the ring's descriptor is registered");
  else
    found.note("the ring's descriptor cannot be registered: each system call is a little slower");
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
  // Kernels before 5.12 counted rings against it. Those that braid runs on count only registered buffers.
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
    found.good("with this build's flags it transfers between coroutines by tail calls");
  else
    found.note(
        "with this build's flags it transfers between coroutines by calls that use up the stack;\n"
        "        braid's own transfers do not depend on tail calls");
  if (await_copy_probe::captures_stay_whole())
    found.good("closures and aggregates inside co_await expressions are built in place");
  else
    found.note(
        "it copies closures and aggregates byte by byte where they are written inside a co_await "
        "expression,\n"
        "        and destroys what they hold twice: give them a name first (docs/compilers.md), or use "
        "clang");
  if (await_copy_probe::conditionals_stay_whole() && await_copy_probe::braces_stay_whole())
    found.good("a co_await inside a conditional expression or an aggregate's braces gives a correct value");
  else
    found.note(
        "it destroys the value of a co_await inside a conditional expression or an aggregate's braces "
        "twice:\n"
        "        give the value a name first (docs/compilers.md), or use clang");
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
  found.note("g++ before 13 warns wrongly of overlapping copies where strings are joined: -Wno-restrict");
#endif
}

std::string variable(const char* name) {
  const char* word = std::getenv(name);
  return word == nullptr ? std::string(name) + " is not set" : std::string(name) + " is " + word;
}

void blocking_threads(report& found) {
  try {
    (void)braid::detail::blocking_pool::instance();
    const char* word = std::getenv("BRAID_BLOCKING_THREADS");
    found.good(std::string("the blocking pool starts up to ") + (word == nullptr ? "4" : word) +
               " threads, when it needs them (" + variable("BRAID_BLOCKING_THREADS") + ")");
  } catch (const std::invalid_argument& word) {
    found.wrong(word.what(), "unset BRAID_BLOCKING_THREADS, or give it a number from 1 to 1024");
  }
}

// Why a loop with backend::automatic got this reactor.
std::string reason(const std::string& reactor) {
  const char* word = std::getenv("BRAID_BACKEND");
  if (word != nullptr && std::string(word) != "auto") return variable("BRAID_BACKEND");
  const std::string why = reactor == "epoll" ? "io_uring is refused, so that automatic falls back on it"
                                             : "automatic takes it where it is allowed";
  return why + "; " + variable("BRAID_BACKEND") + ", and takes uring, epoll or auto";
}

// The proof: makes a loop as any program does, and runs one request on it.
void loop(report& found) {
  ::setenv("BRAID_QUIET", "1", 0);  // the report names the fallback instead
  try {
    braid::loop here;
    here.run(braid::nop());
    const std::string reactor = here.reactor_name();
    found.good("a loop runs on " + reactor + ", " + std::to_string(here.options().entries) +
               " entries: a request went through it\n        why: " + reason(reactor));
  } catch (const std::invalid_argument& word) {
    const std::string text = word.what();
    const bool of_quiet = text.find("BRAID_QUIET") != text.npos;
    const bool of_threads = text.find("BRAID_BLOCKING_THREADS") != text.npos;
    found.wrong(text, of_quiet     ? "unset BRAID_QUIET"
                      : of_threads ? "unset BRAID_BLOCKING_THREADS"
                                   : "unset BRAID_BACKEND");
  } catch (const std::exception& refused) {
    const char* word = std::getenv("BRAID_BACKEND");
    const bool by_name = word != nullptr && std::string(word) == "uring";
    found.wrong(
        std::string("no loop can be made: ") + refused.what(),
        by_name ? "unset BRAID_BACKEND, or BRAID_BACKEND=epoll: loops run on epoll then" : "as said above");
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
  blocking_threads(found);
  loop(found);
  return found.anything_wrong() ? 1 : 0;
}
