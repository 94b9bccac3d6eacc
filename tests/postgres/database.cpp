#include "database.hpp"

#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "braid/net/tcp.hpp"
#include "scratch_folder.hpp"

namespace braid_tests {

namespace {

// A port that was free a moment ago.
std::string free_port() {
  braid::loop here;
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  return std::to_string(door.local_endpoint().port());
}

std::vector<std::string> arguments_of(const std::string& programs, const std::string& folder,
                                      const std::string& port) {
  std::vector<std::string> all{programs + "/postgres", "-D", folder + "/data", "-k", folder, "-p", port};
  for (const char* each :
       {"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "autovacuum=off",
        "shared_buffers=16MB", "max_connections=40", "deadlock_timeout=10ms", "log_min_messages=log",
        "log_checkpoints=off", "dynamic_shared_memory_type=mmap", "max_wal_senders=0", "wal_level=minimal"}) {
    all.emplace_back("-c");
    all.emplace_back(each);
  }
  return all;
}

struct installation {
  scratch_folder folder;
  std::optional<database> server;
};

}  // namespace

database::database(const std::string& programs, std::string folder, const server_user& as)
    : port_(free_port()),
      dsn_("host=" + folder + " port=" + port_ + " user=braid dbname=postgres"),
      server_(arguments_of(programs, folder, port_), as, SIGQUIT) {
  server_.wait_until_it_says("ready to accept connections");
}

database* database::started() {
  static std::unique_ptr<installation> one;
  if (one != nullptr) return &*one->server;
  const std::string initdb =
      find_server("initdb", {"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin",
                             "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/14/bin"});
  if (initdb.empty()) {
    skip_without_server("PostgreSQL's initdb", "postgresql-15");
    return nullptr;
  }
  const std::string programs = initdb.substr(0, initdb.rfind('/'));
  const server_user as({"postgres", "nobody"});
  auto made = std::make_unique<installation>();
  const std::string folder = made->folder.path().string();
  as.own(folder);
  run_as({initdb, "-D", folder + "/data", "-N", "-A", "trust", "--no-instructions", "-E", "UTF8",
          "--locale=C", "-U", "braid"},
         as);
  made->server.emplace(programs, folder, as);
  one = std::move(made);
  return &*one->server;
}

}  // namespace braid_tests
