// braid-log shows, checks and cuts the log in a directory: `braid-log --help`, docs/messaging.md.

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/messaging/log.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "output.hpp"

namespace {

using namespace braid;
using namespace braid_tools;
using messaging::log_record;
using messaging::log_segment;

enum exit_code { done = 0, found_damage = 1, wrong_arguments = 2, failed = 3 };

constexpr const char* footer =
    "Exit codes: 0 done; 1 damage was found; 2 wrong arguments; 3 it could not be done.\n"
    "All but cut only read, and may be used while a program writes the log: they show what is there when\n"
    "they begin.";

struct arguments {
  std::string directory;
  std::uint64_t from = 0;  // 0: the first
  std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t after = 0;
  bool raw = false;
};

void complain(const std::string& text) { std::fprintf(stderr, "braid-log: %s\n", text.c_str()); }

std::string numbers(std::uint64_t first, std::uint64_t last) {
  if (first > last) return "no records";
  if (first == last) return "the record " + std::to_string(first);
  return "the records " + std::to_string(first) + " to " + std::to_string(last);
}

// Opening a log to write would make one where there is none.
void require_log(const std::filesystem::path& directory) {
  bool is_log = false;
  for (const auto& each : std::filesystem::directory_iterator(directory))
    is_log = is_log || each.path().extension() == ".segment" || each.path().filename() == "lock";
  if (!is_log) throw std::runtime_error(directory.string() + ": there is no log in this directory");
}

// A writer may remove files while they are looked at: then looks again.
task<messaging::log> open_to_read(std::string directory, bool skips) {
  require_log(directory);
  for (int tries_left = 5;; --tries_left) {
    auto opening = as_result(messaging::log::open(directory, {.read_only = true, .skip_unreadable = skips}));
    result<messaging::log> opened = co_await std::move(opening);
    bool may_have_moved = !opened && (opened.error() == messaging::errc::unreadable_segment ||
                                      opened.error() == std::errc::no_such_file_or_directory);
    if (opened)
      for (const log_segment& each : opened.value().segments())
        may_have_moved = may_have_moved || !std::filesystem::exists(each.file);
    if (!may_have_moved || tries_left == 0) co_return std::move(opened).value();
  }
}

// CLI11 itself takes -1 for the greatest number.
CLI::Validator record_number(std::uint64_t least) {
  const auto check = [least](const std::string& word) -> std::string {
    std::uint64_t number = 0;
    const char* const end = word.data() + word.size();
    const auto [stopped_at, why] = std::from_chars(word.data(), end, number);
    if (why == std::errc() && stopped_at == end && number >= least) return {};
    return word + " is no number of a record";
  };
  return {check, "", "a record's number"};
}

void tell_tail(const messaging::log& from, const char* what_becomes_of_it) {
  const auto& cut = from.recovery().cut;
  if (!cut) return;
  complain(cut->file + " at " + std::to_string(cut->offset) + ": the last " + std::to_string(cut->bytes) +
           " bytes are no whole records and never were durable; " + what_becomes_of_it);
}
constexpr const char* stays = "a writer may be about to finish them, else its next open cuts them off";

// Calls `use` with each record up to `to`, and complains of all that cannot be read. Returns how often.
task<std::uint64_t> read_records(const messaging::log& from, std::uint64_t first, std::uint64_t to,
                                 std::function<void(const log_record&)> use) {
  std::uint64_t unreadable = 0, next = first;
  auto all = from.read(first);
  while (next <= to) {
    const auto each = co_await all.next();
    if (!each) break;
    if (*each) {
      next = each->value().sequence + 1;
      if (next > to && each->value().sequence != to) break;
      use(each->value());
      continue;
    }
    const std::vector<log_segment> files = from.segments();
    const auto file =
        std::ranges::find_if(files, [next](const log_segment& one) { return one.last >= next; });
    const bool removed = file != files.end() && !std::filesystem::exists(file->file);
    if (removed)
      complain(file->file.string() + ": the log's writer has removed it meanwhile");
    else
      complain(each->error().message());
    unreadable += removed ? 0 : 1;
    if (removed) next = file->last + 1;
  }
  co_return unreadable;
}

// ---- the commands ---------------------------------------------------------------------------------------

task<int> list(arguments given) {
  const messaging::log from = co_await open_to_read(given.directory, false);
  char line[200];
  std::snprintf(line, sizeof line, "%-28s %20s %20s %12s %14s\n", "file", "first", "last", "records",
                "bytes");
  print(line);
  std::uint64_t records = 0, bytes = 0;
  for (const log_segment& each : from.segments()) {
    const std::uint64_t count = each.last + 1 - each.first;
    std::snprintf(line, sizeof line, "%-28s %20" PRIu64 " %20" PRIu64 " %12" PRIu64 " %14" PRIu64 "\n",
                  each.file.filename().c_str(), each.first, each.last, count, each.bytes);
    print(line);
    records += count;
    bytes += each.bytes;
  }
  std::snprintf(line, sizeof line, "%-28s %20" PRIu64 " %20" PRIu64 " %12" PRIu64 " %14" PRIu64 "\n", "all",
                from.first(), from.last(), records, bytes);
  print(line);
  tell_tail(from, stays);
  co_return done;
}

// One line for each record: its number, a tab, and its bytes.
std::string line_of(const log_record& one) {
  return std::to_string(one.sequence) + '\t' + escaped(one.bytes) + '\n';
}

task<int> dump(arguments given) {
  const messaging::log from = co_await open_to_read(given.directory, true);
  const std::uint64_t first = given.from == 0 ? from.first() : given.from;
  if (first > given.to) throw std::runtime_error("--to is before the first record that is asked for");
  if (given.from > from.last()) throw std::runtime_error("the last record is " + std::to_string(from.last()));
  const auto show = [&given](const log_record& each) { print(given.raw ? each.bytes : line_of(each)); };
  const std::uint64_t unreadable = co_await read_records(from, first, given.to, show);
  co_return unreadable == 0 ? done : found_damage;
}

task<int> verify(arguments given) {
  const messaging::log from = co_await open_to_read(given.directory, true);
  std::uint64_t records = 0, bytes = 0;
  const auto count = [&](const log_record& each) {
    ++records;
    bytes += each.bytes.size();
  };
  const std::uint64_t unreadable = co_await read_records(from, from.first(), given.to, count);
  tell_tail(from, stays);
  print(numbers(from.first(), from.last()) + ": " + std::to_string(records) + " of " + std::to_string(bytes) +
        " bytes are whole, " +
        (unreadable == 0 ? std::string("nothing is damaged\n")
                         : "damage was found in " + std::to_string(unreadable) +
                               (unreadable == 1 ? " place\n" : " places\n")));
  co_return unreadable == 0 ? done : found_damage;
}

task<int> cut(arguments given) {
  {  // opening it to write may already change the files
    const messaging::log before = co_await open_to_read(given.directory, false);
    if (given.after > before.last())
      throw std::runtime_error("the last record is " + std::to_string(before.last()));
    if (given.after + 1 < before.first())
      throw std::runtime_error("the first record is " + std::to_string(before.first()));
  }
  messaging::log from = co_await messaging::log::open(given.directory);
  tell_tail(from, "they are cut off, too");
  const std::uint64_t last = from.last();
  if (given.after < last) co_await from.truncate_back(given.after + 1);
  co_await from.close();
  print("removed " + numbers(given.after + 1, last) + '\n');
  co_return done;
}

}  // namespace

int main(int count, char** words) {
  arguments given;
  std::function<task<int>(arguments)> command;
  CLI::App app("Shows, checks and cuts a log of braid-messaging.", "braid-log");
  app.footer(footer);
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* about, task<int> (*what)(arguments)) {
    CLI::App* const one = app.add_subcommand(name, about);
    one->add_option("DIRECTORY", given.directory, "the directory of the log")->required();
    one->callback([&command, what] { command = what; });
    return one;
  };
  add("list", "The files, with the numbers of their records.", list);
  CLI::App* const dumps = add("dump", "The records: each its number and its bytes, in a line.", dump);
  dumps->add_option("--from", given.from, "the first one")->check(record_number(1));
  dumps->add_option("--to", given.to, "the last one")->check(record_number(1));
  dumps->add_flag("--raw", given.raw, "their bytes alone, as they are");
  add("verify", "Reads all records, and names the file and the place of all damage.", verify);
  add("cut", "Removes the last records, for good. Refused while a program writes the log.", cut)
      ->add_option("--after", given.after, "the last record to keep; 0 keeps none")
      ->check(record_number(0))
      ->required();
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& why) {
    if (why.get_exit_code() == 0) return app.exit(why);  // --help
    complain(why.what() + std::string("; see braid-log --help"));
    return wrong_arguments;
  }
  try {
    const int code = run(command(given));
    flush_output();
    return code;
  } catch (const std::exception& why) {
    (void)std::fflush(stdout);  // what was found before
    complain(why.what());
    return failed;
  }
}
