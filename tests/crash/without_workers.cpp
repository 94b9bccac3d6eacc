// Uses files while neither the kernel nor the program can start a thread; exits with 0 if all goes as it
// should. The first argument is a folder to write in.

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"

namespace {

using namespace braid;

constexpr auto no_thread = std::errc::resource_unavailable_try_again;

// The limit does not apply to root, so the program gives that up first.
bool forbid_threads(const char* folder) {
  constexpr uid_t nobody = 65534;
  if (::getuid() == 0 && (::chmod(folder, 0777) != 0 || ::setresuid(nobody, nobody, nobody) != 0))
    return false;
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_NPROC, &none) == 0;
}

int use_files(const std::string& path, bool has_pool) {
  loop home;
  int unhandled = 0;
  home.on_unhandled_error([&](const error& e) { unhandled += e == no_thread; });
  const result<void> written = home.run(as_result(write_file(path, std::string("written"))));
  if (has_pool) return written && home.run(read_file(path)) == "written" ? 0 : 1;
  if (written || written.error() != no_thread) return 2;
  if (written.error().message().find("no thread can be started") == std::string::npos) return 3;
  detach(write_file(path, std::string("written")));
  home.run();
  return unhandled == 1 ? 0 : 4;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 64;
  const bool has_pool = words[2] == std::string("pool");
  if (has_pool) run(offload([] {}));
  if (!forbid_threads(words[1])) return 65;
  ::_exit(use_files(std::string(words[1]) + "/file",
                    has_pool));  // at whose end a sanitizer would look for leaks with a thread
}
