#pragma once

// What the servers in this folder share: their command line, and their end.

#include <braid/combine/scope.hpp>
#include <braid/net/endpoint.hpp>
#include <braid/net/graceful_shutdown.hpp>
#include <braid/net/tcp.hpp>
#include <braid/process/signal_set.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace servers {

/// A program's options with their values: those of the command line, else the program's own.
using options = std::map<std::string, std::string, std::less<>>;

/// The endpoint in the text ADDRESS:PORT.
inline braid::endpoint address(std::string_view text) { return braid::endpoint::parse(text).value(); }

/// Serves until the program gets SIGINT or SIGTERM. Then the clients have five seconds to finish.
inline braid::task<> serve_until_signal(braid::tcp::listener& door, braid::task<> serving) {
  const auto work = [&](braid::scope& all) -> braid::task<> {
    braid::signal_set stop{SIGINT, SIGTERM};
    all.spawn(std::move(serving));
    std::printf("listening at %s\n", door.local_endpoint().to_string().c_str());
    std::fflush(stdout);
    co_await stop.next();
    co_await braid::graceful_shutdown(door, all, std::chrono::seconds(5));
  };
  co_await braid::with_scope(work);
}

/// The main function of a server: reads options of the form `--name value`, and runs serve with them.
inline int run(int argc, char** argv, options chosen, braid::task<> (*serve)(options)) try {
  for (int at = 1; at < argc; at += 2) {
    const auto known = chosen.find(std::string_view(argv[at]));
    if (known == chosen.end() || at + 1 == argc) {
      const bool asked = argv[at] == std::string_view("--help");
      std::string usage = "usage: " + std::string(argv[0]);
      for (const auto& [name, value] : chosen) usage += " [" + name + " " + value + "]";
      std::fprintf(asked ? stdout : stderr, "%s\n", usage.c_str());
      return asked ? 0 : 2;
    }
    known->second = argv[at + 1];
  }
  braid::run(serve(std::move(chosen)));
  return 0;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s: %s\n", argv[0], failure.what());
  return 1;
}

}  // namespace servers
