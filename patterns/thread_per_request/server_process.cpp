#include "server_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace thread_per_request {
namespace {

// The first number behind this name in a file of /proc. The thread may have ended: then 0.
std::size_t number_in(const std::filesystem::path& file, std::string_view name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return std::stoul(line.substr(name.size()));
  return 0;
}

std::string first_line(int descriptor) {
  std::string line;
  for (char byte = 0; ::read(descriptor, &byte, 1) == 1 && byte != '\n';) line += byte;
  return line;
}

}  // namespace

server_process::server_process(model by, std::chrono::milliseconds backend_takes) {
  std::array<int, 2> output;
  if (::pipe2(output.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  std::array words{std::string("thread_per_request"), std::string("--model"),
                   std::string(name_of(by)),          std::string("--serve"),
                   std::string("127.0.0.1:0"),        std::string("--backend"),
                   fmt::format("{}ms", backend_takes.count())};
  std::array<char*, words.size() + 1> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
  const int failed =
      ::posix_spawn(&id_, "/proc/self/exe", &files, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::close(output[1]);
  const std::string line = failed == 0 ? first_line(output[0]) : std::string();
  ::close(output[0]);
  if (failed != 0) throw std::system_error(failed, std::generic_category(), "posix_spawn");
  if (line.empty()) {  // it has ended, and has said why
    ::waitpid(id_, nullptr, 0);
    throw std::runtime_error("the server has not begun");
  }
  address_ = braid::endpoint::parse(line.substr(line.find_last_of(' ') + 1)).value();
}

server_process::~server_process() {
  ::kill(id_, SIGTERM);
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

usage server_process::used() const {
  const std::filesystem::path process = "/proc/" + std::to_string(id_);
  usage all{.resident_kib = number_in(process / "status", "VmRSS:")};
  for (const auto& thread : std::filesystem::directory_iterator(process / "task"))
    for (const std::string_view name : {"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"})
      all.switches += number_in(thread.path() / "status", name);
  return all;
}

}  // namespace thread_per_request
