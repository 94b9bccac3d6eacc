#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

// The rooms of the libraries and which of them may include which, read from the #include lines.

namespace {

namespace fs = std::filesystem;

// A room may include itself and rooms on lower floors, never its siblings.
const std::map<std::string, int> floors{
    {"base", 0},    {"core", 1},  {"loop", 2}, {"style", 3},   {"schedule", 3}, {"sync", 4},
    {"combine", 4}, {"fs", 5},    {"net", 5},  {"process", 6}, {"runtime", 5},  {"messaging", 7},
    {"sim", 6},     {"trace", 6}, {"tls", 6},  {"http", 7},    {"redis", 8},    {"postgres", 8},
};

struct source {
  bool is_public = false;
  std::string room;  // empty for braid.hpp
  std::string stem;
  std::vector<std::string> includes;  // with their quotes or brackets
};
using sources = std::map<std::string, source>;  // by path: "loop/loop.hpp"

// Returns <name> or "name" if the line begins with #include, and nothing otherwise.
std::string include_in(const std::string& line) {
  const auto skip_blanks = [&](std::size_t from) {
    return std::min(line.find_first_not_of(" \t", from), line.size());
  };
  std::size_t at = skip_blanks(0);
  if (line.substr(at, 1) != "#") return {};
  at = skip_blanks(at + 1);
  if (line.substr(at, 7) != "include") return {};
  at = skip_blanks(at + 7);
  const std::string closing = line.substr(at, 1) == "<" ? ">" : line.substr(at, 1) == "\"" ? "\"" : "";
  const std::size_t end = closing.empty() ? std::string::npos : line.find(closing, at + 1);
  return end == std::string::npos ? std::string() : line.substr(at, end - at + 1);
}

std::vector<std::string> includes_of(std::istream& text) {
  std::vector<std::string> found;
  for (std::string line; std::getline(text, line);)
    if (std::string include = include_in(line); !include.empty()) found.push_back(std::move(include));
  return found;
}

// A precompiled header belongs to no room, and is included once by itself.
bool is_compiled_first(const fs::path& path) { return path.parent_path().filename() == "pch"; }

sources read_folder(const fs::path& folder, bool is_public) {
  sources found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (path.extension() != ".hpp" && path.extension() != ".cpp") continue;
    std::ifstream text(path);
    if (is_compiled_first(path)) continue;
    const fs::path inside = fs::relative(path, folder);
    found[inside.string()] = {is_public, inside.has_parent_path() ? inside.begin()->string() : std::string(),
                              path.stem().string(), includes_of(text)};
  }
  return found;
}

std::string unquoted(const std::string& include) { return include.substr(1, include.size() - 2); }

// Says what is wrong with an #include line; empty if nothing is.
std::string fault_of(const std::string& path, const source& from, const std::string& include,
                     const sources& public_headers, const sources& private_files) {
  const std::string name = unquoted(include);
  if (name == "liburing.h" || name.starts_with("liburing/") || name == "linux/io_uring.h") {
    if (from.room != "loop") return "only loop/ may know io_uring";
    if (from.is_public) return "a public header may not include it: its users would need it";
    return {};
  }
  if (name.starts_with("boost/"))
    return path == "style/fiber.cpp" || path == "base/nested_call.cpp"
               ? ""
               : "only style/fiber.cpp and base/nested_call.cpp may know Boost.Context";
  if (name == "llhttp.h")
    return from.room == "http" && !from.is_public ? "" : "only src/http may know llhttp";
  if (name.starts_with("openssl/"))
    return from.room == "tls" && !from.is_public ? "" : "only the bodies of tls/ may know OpenSSL";
  for (const char* tool : {"range/", "catch2/", "fmt/", "benchmark/", "CLI/", "nlohmann/"})
    if (name.starts_with(tool)) return "the library needs liburing and Boost.Context alone";

  if (!name.starts_with("braid/")) {
    if (include.front() == '<') return {};
    if (from.is_public) return "a public header is included as braid/<room>/<file>";
    const std::string beside = (fs::path(path).parent_path() / name).string();
    const std::string in_room = (fs::path(from.room) / name).string();
    const bool found = private_files.count(beside) + private_files.count(in_room) != 0;
    return found ? "" : "there is no such file beside it, or in its room";
  }
  if (include.front() == '<') return "our own headers are included with quotes";
  const auto target = public_headers.find(name.substr(6));
  if (target == public_headers.end()) return "there is no such header";
  if (from.room.empty()) return {};  // braid.hpp
  if (target->second.room == from.room) return {};
  if (target->second.room.empty()) return "braid.hpp is for users";
  if (floors.at(target->second.room) >= floors.at(from.room))
    return from.room + "/ is not above " + target->second.room + "/";
  return {};
}

std::vector<std::string> faults_of(const sources& public_headers, const sources& private_files) {
  std::vector<std::string> faults;
  for (const sources* part : {&public_headers, &private_files})
    for (const auto& [path, each] : *part) {
      if (!each.room.empty() && floors.count(each.room) == 0) {
        faults.push_back(path + ": no floor is known for " + each.room + "/");
        continue;
      }
      for (const std::string& include : each.includes)
        if (const std::string fault = fault_of(path, each, include, public_headers, private_files);
            !fault.empty())
          faults.push_back(path + " includes " + include + ": " + fault);
    }
  return faults;
}

fs::path root() {
  const char* path = std::getenv("BRAID_SOURCE_ROOT");
  if (path == nullptr)
    throw std::runtime_error("BRAID_SOURCE_ROOT is not set; run the tests by `meson test`");
  return path;
}

std::string listed(const std::vector<std::string>& faults) {
  std::string text;
  for (const std::string& each : faults) text += each + "\n";
  return text;
}

TEST_CASE("floors: every room includes only itself and lower rooms", "[floors]") {
  const sources headers = read_folder(root() / "include/braid", true);
  const sources bodies = read_folder(root() / "src", false);
  REQUIRE(headers.size() > 40);
  REQUIRE(bodies.size() > 10);
  const auto faults = faults_of(headers, bodies);
  INFO(listed(faults));
  CHECK(faults.empty());
}

TEST_CASE("floors: braid.hpp only includes, and leaves out no header that users name", "[floors]") {
  std::ifstream text(root() / "include/braid/braid.hpp");
  std::vector<std::string> others;
  for (std::string line; std::getline(text, line);)
    if (!line.empty() && !line.starts_with("//") && !line.starts_with("#include \"braid/") &&
        line != "#pragma once")
      others.push_back(line);
  INFO(listed(others));
  CHECK(others.empty());

  const sources headers = read_folder(root() / "include/braid", true);
  std::set<std::string> reached;
  std::vector<std::string> next{"braid.hpp"};
  while (!next.empty()) {
    const std::string path = next.back();
    next.pop_back();
    if (!reached.insert(path).second || headers.count(path) == 0) continue;
    for (const std::string& include : headers.at(path).includes)
      if (unquoted(include).starts_with("braid/")) next.push_back(unquoted(include).substr(6));
  }
  std::vector<std::string> left_out;
  // Tools probe the kernel in a process that may have no loop. Users need nothing in detail/. Libraries
  // beside braid are included by name.
  const std::set<std::string> of_other_libraries{"http", "messaging", "postgres", "redis", "tls"};
  for (const auto& [path, header] : headers)
    if (reached.count(path) == 0 && path != "loop/probe.hpp" && path.find("/detail/") == std::string::npos &&
        of_other_libraries.count(header.room) == 0)
      left_out.push_back(path);
  INFO(listed(left_out));
  CHECK(left_out.empty());
}

TEST_CASE("floors: each header is guarded, and each body includes its own header first", "[floors]") {
  std::vector<std::string> faults;
  for (const auto& folder : {root() / "include", root() / "src"})
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".hpp" || is_compiled_first(entry.path())) continue;
      std::ifstream text(entry.path());
      std::string first;
      std::getline(text, first);
      if (first != "#pragma once") faults.push_back(entry.path().filename().string() + ": no #pragma once");
    }
  const sources headers = read_folder(root() / "include/braid", true);
  for (const auto& [path, body] : read_folder(root() / "src", false)) {
    const fs::path front = fs::path(path).replace_extension(".hpp");
    const fs::path back = front.parent_path() / "detail" / front.filename();
    if (!path.ends_with(".cpp") || headers.count(front.string()) + headers.count(back.string()) == 0)
      continue;
    const std::string own = headers.count(front.string()) != 0 ? front.string() : back.string();
    if (body.includes.empty() || body.includes[0] != "\"braid/" + own + "\"")
      faults.push_back(path + ": includes something before its own header");
  }
  INFO(listed(faults));
  CHECK(faults.empty());
}

TEST_CASE("floors: patterns and examples include no back room", "[floors]") {
  std::vector<std::string> faults;
  for (const auto& folder : {root() / "patterns", root() / "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".hpp" && entry.path().extension() != ".cpp") continue;
      std::ifstream text(entry.path());
      for (std::string line; std::getline(text, line);)
        if (line.find("braid::detail") != std::string::npos || line.find("/detail/") != std::string::npos)
          faults.push_back(entry.path().string() + ": " + line);
    }
  INFO(listed(faults));
  CHECK(faults.empty());
}

// Tests the check itself: breaks each rule once.
TEST_CASE("floors: finds a wrong include", "[floors]") {
  struct wrong {
    const char* path;
    bool is_public;
    const char* include;
  };
  const sources headers{{"base/a.hpp", {true, "base", "a", {}}},
                        {"core/b.hpp", {true, "core", "b", {}}},
                        {"style/c.hpp", {true, "style", "c", {}}},
                        {"schedule/d.hpp", {true, "schedule", "d", {}}},
                        {"braid.hpp", {true, "", "braid", {}}}};
  CHECK(faults_of(headers, {}).empty());
  const auto faults_with = [&](const wrong& one) {
    sources all = headers, bodies;
    (one.is_public ? all : bodies)[one.path] = {one.is_public,
                                                fs::path(one.path).begin()->string(),
                                                fs::path(one.path).stem().string(),
                                                {one.include}};
    return faults_of(all, bodies).size();
  };
  for (const wrong& each : std::vector<wrong>{
           {"base/x.hpp", true, "\"braid/core/b.hpp\""},  // upwards
           {"style/x.hpp", true, "\"braid/schedule/d.hpp\""},  // a sibling
           {"style/x.cpp", false, "\"braid/schedule/d.hpp\""},
           {"style/x.hpp", true, "\"braid/braid.hpp\""},
           {"style/x.hpp", true, "\"braid/base/none.hpp\""},
           {"style/x.hpp", true, "<braid/base/a.hpp>"},
           {"style/x.hpp", true, "\"c.hpp\""},
           {"style/x.cpp", false, "\"none.hpp\""},
           {"style/x.cpp", false, "<liburing.h>"},
           {"loop/x.hpp", true, "<liburing.h>"},
           {"style/x.cpp", false, "<boost/context/fiber.hpp>"},
           {"loop/x.hpp", true, "<fmt/format.h>"},
           {"attic/x.hpp", true, "<vector>"},
           {"style/x.cpp", false, "<llhttp.h>"},
           {"http/x.hpp", true, "<llhttp.h>"},
       }) {
    INFO(each.path << " includes " << each.include);
    CHECK(faults_with(each) == 1);
  }
  for (const wrong& right : std::vector<wrong>{
           {"style/x.hpp", true, "\"braid/core/b.hpp\""},
           {"style/x.hpp", true, "\"braid/style/c.hpp\""},
           {"style/fiber.cpp", false, "<boost/context/fiber.hpp>"},
           {"loop/x.cpp", false, "<liburing.h>"},
           {"loop/x.hpp", true, "<sys/socket.h>"},
       }) {
    INFO(right.path << " includes " << right.include);
    CHECK(faults_with(right) == 0);
  }
  std::istringstream text(
      "  #  include <vector>\n// #include <no>\nint x; #include <no>\n#include\n#\n\n#include "
      "\"braid/base/a.hpp\"");
  CHECK(includes_of(text) == std::vector<std::string>{"<vector>", "\"braid/base/a.hpp\""});
}

}  // namespace
