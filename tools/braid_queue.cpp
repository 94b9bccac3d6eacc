// braid-queue shows and mends the queue in a directory: `braid-queue --help`, docs/messaging.md.

#include <CLI/CLI.hpp>

#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/messaging/queue.hpp"
#include "braid/messaging/queue_snapshot.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "output.hpp"

namespace {

using namespace braid;
using namespace braid_tools;
using messaging::message_state;
using messaging::queue;
using messaging::queue_snapshot;
using messaging::queued_message;

enum exit_code { done = 0, found_damage = 1, wrong_arguments = 2, failed = 3 };

constexpr const char* footer =
    "Exit codes: 0 done; 1 damage was found; 2 wrong arguments; 3 it could not be done.\n"
    "list, peek and stats only read, and may be used while a program works with the queue: they show what "
    "was\n"
    "there when they began. The others are refused then.";

constexpr std::uint64_t all_of_them = std::numeric_limits<std::uint64_t>::max();

struct arguments {
  std::string directory, group, state, key, idempotency_key, reason, body;
  std::uint64_t id = 0, at_most = 0;  // 0: any, the command's own
  int priority = 0;
  double delay = 0, per_second = 0;
  bool raw = false, all = false, has_body = false;
};

void complain(const std::string& text) { std::fprintf(stderr, "braid-queue: %s\n", text.c_str()); }

// ---- words ----------------------------------------------------------------------------------------------

constexpr const char* state_names[] = {"ready", "delayed", "leased", "dead"};
constexpr const char* failure_names[] = {"goes on", "refused",       "lease ended",
                                         "dropped", "process ended", "damaged"};

std::string time_text(std::chrono::system_clock::time_point at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  char text[40] = "?";
  if (::gmtime_r(&seconds, &parts) != nullptr) (void)std::strftime(text, sizeof text, "%FT%TZ", &parts);
  return text;
}
std::string age_text(loop_clock::duration age) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) + " min";
}
std::string count_text(std::size_t count) {
  return count == 1 ? "1 message" : std::to_string(count) + " messages";
}

// ---- the queue ------------------------------------------------------------------------------------------

// Opening a queue to write would make one where there is none.
void require_queue(const std::filesystem::path& directory) {
  bool is_queue = false;
  for (const auto& each : std::filesystem::directory_iterator(directory))
    is_queue = is_queue || each.path().extension() == ".segment" || each.path().filename() == "lock";
  if (!is_queue) throw std::runtime_error(directory.string() + ": there is no queue in this directory");
}

task<queue_snapshot> open_to_read(std::string directory) {
  require_queue(directory);
  queue_snapshot opened = co_await queue_snapshot::open(directory);
  for (const std::string& each : opened.recovery().damaged) complain(each);
  co_return opened;
}
int code_of(const queue_snapshot& shown) { return shown.recovery().damaged.empty() ? done : found_damage; }

// Any number of messages: the bounds are those of the program that the queue belongs to.
task<queue> open_to_write(std::string directory) {
  require_queue(directory);
  messaging::queue_options how;
  how.most_messages = how.most_bytes = std::size_t{1} << 50;
  auto opening = as_result(queue::open(directory, how));
  result<queue> opened = co_await std::move(opening);
  if (!opened && opened.error() == std::errc::device_or_resource_busy)
    throw std::runtime_error(
        directory + ": another process has this queue open; only list, peek and stats work beside it");
  for (const std::string& each : opened.value().recovery().damaged) complain(each);
  co_return std::move(opened).value();
}

messaging::message_filter filter_of(const arguments& given) {
  messaging::message_filter which;
  which.id = given.id;
  which.key = given.key;
  for (std::size_t i = 0; i != std::size(state_names); ++i)
    if (given.state == state_names[i]) which.state = static_cast<message_state>(i);
  which.at_most = given.at_most == 0 ? all_of_them : given.at_most;
  return which;
}

struct found_message {
  std::string group;
  queued_message message;
};
// Those of one group, or of each group in turn.
std::vector<found_message> find(const queue_snapshot& in, const arguments& given) {
  std::vector<std::string> groups{given.group};
  if (given.group.empty()) {
    groups.clear();
    for (auto& each : in.metrics().groups) groups.push_back(std::move(each.name));
  }
  std::vector<found_message> all;
  messaging::message_filter which = filter_of(given);
  for (const std::string& group : groups) {
    for (queued_message& each : in.messages(group, which)) all.push_back({group, std::move(each)});
    if (which.at_most != all_of_them) which.at_most = given.at_most - all.size();
  }
  return all;
}

// ---- the commands that read -----------------------------------------------------------------------------

task<int> stats(arguments given) {
  const queue_snapshot shown = co_await open_to_read(given.directory);
  const messaging::queue_metrics now = shown.metrics();
  print(count_text(now.messages) + " of " + std::to_string(now.bytes) + " bytes, in " +
        std::to_string(now.files) + (now.files == 1 ? " file of " : " files of ") +
        std::to_string(now.file_bytes) + " bytes\n");
  char line[400];
  std::snprintf(line, sizeof line, "%-24s %10s %10s %10s %10s  %-14s %s\n", "group", "ready", "delayed",
                "leased", "dead", "oldest", "");
  if (!now.groups.empty()) print(line);
  for (const messaging::group_metrics& each : now.groups) {
    const std::string oldest = each.oldest ? age_text(*each.oldest) : "-";
    std::snprintf(line, sizeof line, "%-24s %10zu %10zu %10zu %10zu  %-14s %s\n", escaped(each.name).c_str(),
                  each.ready, each.delayed, each.leased, each.dead, oldest.c_str(),
                  each.paused ? "paused" : "");
    print(line);
  }
  co_return code_of(shown);
}

std::string note_of(const queued_message& of) {
  if (of.due) return "due " + time_text(*of.due);
  if (of.failures.empty()) return "-";
  const messaging::failed_delivery& last = of.failures.back();
  const std::string how = failure_names[static_cast<std::size_t>(last.how)];
  return last.reason.empty() ? how : how + ": " + escaped(last.reason);
}

task<int> list(arguments given) {
  const queue_snapshot shown = co_await open_to_read(given.directory);
  const std::vector<found_message> all = find(shown, given);
  char line[600];
  std::snprintf(line, sizeof line, "%-14s %-20s %-8s %-20s %8s %8s %10s  %-20s %s\n", "message", "group",
                "state", "sent", "attempts", "priority", "bytes", "key", "last failure");
  print(line);
  for (const auto& [group, each] : all) {
    const std::string key = each.key.empty() ? "-" : escaped(each.key);
    std::snprintf(line, sizeof line, "%-14" PRIu64 " %-20s %-8s %-20s %8u %8d %10zu  ", each.id,
                  escaped(group).substr(0, 300).c_str(), state_names[static_cast<std::size_t>(each.state)],
                  time_text(each.sent_at).c_str(), each.attempts, each.priority, each.bytes);
    print(line + key + std::string(key.size() < 20 ? 20 - key.size() : 0, ' ') + ' ' + note_of(each) + '\n');
  }
  co_return code_of(shown);
}

std::string description_of(const found_message& of) {
  const queued_message& it = of.message;
  std::string text = "message " + std::to_string(it.id) + " in " + escaped(of.group) + ": " +
                     state_names[static_cast<std::size_t>(it.state)] + ", sent " + time_text(it.sent_at) +
                     ", attempts " + std::to_string(it.attempts);
  if (it.recoveries != 0) text += " (" + std::to_string(it.recoveries) + " ended with their process)";
  if (it.priority != 0) text += ", priority " + std::to_string(it.priority);
  if (!it.key.empty()) text += ", key " + escaped(it.key);
  if (it.due) text += ", due " + time_text(*it.due);
  text += '\n';
  for (const messaging::failed_delivery& each : it.failures) {
    text += "  attempt " + std::to_string(each.attempt) + " at " + time_text(each.at) + ": " +
            failure_names[static_cast<std::size_t>(each.how)];
    text += each.reason.empty() ? "\n" : ": " + escaped(each.reason) + '\n';
  }
  return text;
}

// The program may finish a message, or move it to another file, before its bytes are read.
task<int> peek(arguments given) {
  if (given.at_most == 0) given.at_most = 1;
  queue_snapshot shown = co_await open_to_read(given.directory);
  std::vector<found_message> all = find(shown, given);
  if (all.empty()) throw std::runtime_error(given.directory + ": no message is as asked for");
  int code = code_of(shown);
  for (std::size_t i = 0, tries_left = 8; i != all.size();) {
    auto reading = as_result(shown.body(all[i].message.id));
    const result<std::string> body = co_await std::move(reading);
    if (!body && body.error() == messaging::errc::record_removed && tries_left-- != 0) {
      shown = co_await open_to_read(given.directory);
      messaging::message_filter still;
      still.id = all[i].message.id;
      if (!shown.messages(all[i].group, still).empty()) continue;
      complain("message " + std::to_string(still.id) + ": it is finished meanwhile");
    } else if (!body) {
      complain(body.error().message());
      code = found_damage;
    } else {
      print(given.raw ? *body : description_of(all[i]) + "  " + escaped(*body) + '\n');
    }
    tries_left = 8;
    ++i;
  }
  co_return code;
}

// ---- the commands that write ----------------------------------------------------------------------------

std::string standard_input() {
  const std::size_t most = messaging::queue_options{}.most_message_bytes;
  std::string all;
  char part[64 << 10];
  for (std::size_t got = 0; all.size() <= most && (got = std::fread(part, 1, sizeof part, stdin)) != 0;)
    all.append(part, got);
  if (std::ferror(stdin) != 0) throw std::system_error(errno, std::generic_category(), "standard input");
  return all;
}

task<int> send(arguments given) {
  queue to = co_await open_to_write(given.directory);
  const std::string body = given.has_body ? given.body : standard_input();
  messaging::send_options how;
  how.key = given.key;
  how.delay = loop_clock::saturated(std::chrono::duration<double>(given.delay));
  how.priority = given.priority;
  how.idempotency_key = given.idempotency_key;
  const std::uint64_t id = co_await to.try_send(body, how);
  co_await to.close();
  print(std::to_string(id) + '\n');
  co_return done;
}

messaging::dead_letter_filter dead_letters_of(const arguments& given) {
  messaging::dead_letter_filter which;
  which.id = given.id;
  which.key = given.key;
  which.reason = given.reason;
  if (given.at_most != 0) which.at_most = given.at_most;
  which.per_second = given.per_second;
  return which;
}
task<int> redrive(arguments given) {
  queue in = co_await open_to_write(given.directory);
  const std::size_t count = co_await in.redrive(given.group, dead_letters_of(given));
  co_await in.close();
  print(count_text(count) + " will be delivered again\n");
  co_return done;
}
task<int> purge(arguments given) {
  const bool asks = given.id != 0 || !given.key.empty() || !given.reason.empty() || given.at_most != 0;
  if (asks == given.all) {
    complain("purge needs either --all, or which messages; see braid-queue purge --help");
    co_return wrong_arguments;
  }
  queue in = co_await open_to_write(given.directory);
  const std::size_t count = co_await in.purge(given.group, dead_letters_of(given));
  co_await in.close();
  print("removed " + count_text(count) + '\n');
  co_return done;
}

// CLI11 itself takes -1 for the greatest number.
std::string refuse_others(const std::string& word) {
  std::uint64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto [stopped_at, why] = std::from_chars(word.data(), end, number);
  if (why == std::errc() && stopped_at == end && number != 0) return {};
  return word + " is no number from 1 on";
}

}  // namespace

int main(int count, char** words) {
  arguments given;
  std::function<task<int>(arguments)> command;
  CLI::App app("Shows a queue of braid-messaging, sends to it, and handles its dead letters.", "braid-queue");
  app.footer(footer);
  app.require_subcommand(1);
  const CLI::Validator number(refuse_others, "", "a number from 1 on");
  const auto add = [&](const char* name, const char* about, task<int> (*what)(arguments)) {
    CLI::App* const one = app.add_subcommand(name, about);
    one->add_option("DIRECTORY", given.directory, "the directory of the queue")->required();
    one->callback([&command, what] { command = what; });
    return one;
  };
  const auto add_filter = [&](CLI::App* to) {
    to->add_option("--id", given.id, "this message only")->check(number);
    to->add_option("--key", given.key, "messages of this key only");
    to->add_option("--at-most", given.at_most, "so many")->check(number);
  };
  const auto add_selection = [&](CLI::App* to) {
    to->add_option("--group", given.group, "those of this group only");
    to->add_option("--state", given.state, "those in this state only")
        ->check(CLI::IsMember({"ready", "delayed", "leased", "dead"}));
    add_filter(to);
  };
  const auto add_dead = [&](CLI::App* to) {
    to->add_option("--group", given.group, "the group whose dead letters they are")->required();
    to->add_option("--reason", given.reason, "those with this text in a reason only");
    add_filter(to);
  };
  add("stats", "How many messages wait, are delivered, or are dead, in each group.", stats);
  add_selection(add("list", "The unfinished messages, a line for each.", list));
  CLI::App* const peeks =
      add("peek", "Messages with their bytes and failures: the oldest one, or --at-most.", peek);
  add_selection(peeks);
  peeks->add_flag("--raw", given.raw, "their bytes alone, as they are");
  CLI::App* const sends = add("send", "Sends the standard input as a message, and prints its number.", send);
  const CLI::Option* const body =
      sends->add_option("--body", given.body, "the message's bytes, instead of the standard input");
  sends->add_option("--key", given.key, "its key");
  sends->add_option("--idempotency-key", given.idempotency_key, "sends nothing if that was sent before");
  sends->add_option("--priority", given.priority, "0 to 9")->check(CLI::Range(0, 9));
  sends->add_option("--delay", given.delay, "in seconds")->check(CLI::Range(0.0, 1e9));
  CLI::App* const redrives = add("redrive", "Has dead letters delivered again.", redrive);
  add_dead(redrives);
  redrives->add_option("--per-second", given.per_second, "so many a second")->check(CLI::Range(1e-6, 1e6));
  CLI::App* const purges = add("purge", "Removes dead letters, for good.", purge);
  add_dead(purges);
  purges->add_flag("--all", given.all, "all of the group");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& why) {
    if (why.get_exit_code() == 0) return app.exit(why);  // --help
    complain(why.what() + std::string("; see braid-queue --help"));
    return wrong_arguments;
  }
  try {
    given.has_body = body->count() != 0;
    const int code = run(command(given));
    flush_output();
    return code;
  } catch (const std::exception& why) {
    (void)std::fflush(stdout);  // what was found before
    complain(why.what());
    return failed;
  }
}
