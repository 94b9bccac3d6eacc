#pragma once

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "braid/braid.hpp"
#include "braid/messaging/log.hpp"
#include "braid/messaging/queue.hpp"
#include "braid/postgres/connection.hpp"
#include "braid/redis/client.hpp"
#include "braid/redis/pool.hpp"

/// Names that the examples in the public headers use and do not declare: they stand for the program's own
/// code. tests/script/examples compiles the examples.
namespace examples {

using namespace braid;
using namespace std::chrono_literals;

void log(std::string_view line);
void use(auto&&...) {}

struct job {
  int number;
};
void work_on(const job& one);

task<std::string> fetch(std::string page);  // takes a while, and may fail
task<> serve(tcp::stream client);
task<> serve_local(unix_domain::stream client);
task<> serve_all();

void look_up(const char* name, void (*call_back)(void*, int address), void* context);
void measure(std::function<void(int failure, double degrees)> call_back);

extern tcp::stream& peer;
extern unix_domain::stream& local_peer;
extern unix_domain::listener& local_door;
extern unix_domain::datagram& local_inbox;
extern std::array<char, 16>& header;
extern messaging::log& journal;
extern postgres::connection& shop;
extern redis::client& db;
extern messaging::queue& jobs;

}  // namespace examples
