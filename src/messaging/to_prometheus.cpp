#include "braid/messaging/to_prometheus.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace braid::messaging {

namespace {

// A metric, and its value where there is one.
template <class Of>
struct metric {
  const char *name, *type, *help;
  std::optional<double> (*value)(const Of& of, loop_clock::time_point now);
};

double number(std::uint64_t count) noexcept { return static_cast<double>(count); }
double seconds(loop_clock::duration time) noexcept { return std::chrono::duration<double>(time).count(); }

using time_point = loop_clock::time_point;
using value = std::optional<double>;

constexpr metric<queue_metrics> of_queue[] = {
    {"messages", "gauge", "Messages that are not finished.",
     [](const queue_metrics& of, time_point) -> value { return number(of.messages); }},
    {"body_bytes", "gauge", "Bytes of their bodies.",
     [](const queue_metrics& of, time_point) -> value { return number(of.bytes); }},
    {"file_bytes", "gauge", "Bytes of the queue's files.",
     [](const queue_metrics& of, time_point) -> value { return number(of.file_bytes); }},
    {"files", "gauge", "The queue's files.",
     [](const queue_metrics& of, time_point) -> value { return number(of.files); }},
    {"sent_total", "counter", "Messages that were sent.",
     [](const queue_metrics& of, time_point) -> value { return number(of.sent); }},
    {"refused_total", "counter", "Sends that were refused, since the queue was full.",
     [](const queue_metrics& of, time_point) -> value { return number(of.refused); }},
    {"duplicates_total", "counter",
     "Messages that were not sent again, since their idempotency key was known.",
     [](const queue_metrics& of, time_point) -> value { return number(of.duplicates); }},
    {"moved_total", "counter", "Messages that were appended once more, so that an old file could be removed.",
     [](const queue_metrics& of, time_point) -> value { return number(of.moved); }},
    {"failed_removals_total", "counter", "Attempts to remove old files that have failed.",
     [](const queue_metrics& of, time_point) -> value { return number(of.failed_removals); }},
};

constexpr metric<group_metrics> of_group[] = {
    {"group_oldest_age_seconds", "gauge", "Time since the oldest unfinished message was sent.",
     [](const group_metrics& of, time_point) -> value {
       return of.oldest ? value(seconds(*of.oldest)) : std::nullopt;
     }},
    {"group_paused", "gauge", "1 while the group is paused.",
     [](const group_metrics& of, time_point) -> value { return of.paused ? 1 : 0; }},
    {"group_deliveries_total", "counter", "Deliveries that have begun: attempts.",
     [](const group_metrics& of, time_point) -> value { return number(of.deliveries); }},
    {"group_acknowledged_total", "counter", "Messages that were acknowledged.",
     [](const group_metrics& of, time_point) -> value { return number(of.acknowledged); }},
    {"group_failures_total", "counter", "Deliveries that were refused, dropped, expired or unreadable.",
     [](const group_metrics& of, time_point) -> value { return number(of.failures); }},
    {"group_recoveries_total", "counter", "Deliveries that ended with their process.",
     [](const group_metrics& of, time_point) -> value { return number(of.recoveries); }},
    {"group_stale_outcomes_total", "counter", "Outcomes that were refused, since their token was stale.",
     [](const group_metrics& of, time_point) -> value { return number(of.stale); }},
    {"group_dead_letters_total", "counter", "Messages that became dead letters.",
     [](const group_metrics& of, time_point) -> value { return number(of.buried); }},
    {"group_last_progress_age_seconds", "gauge",
     "Time since the group's consumers last acknowledged a message; absent before the first.",
     [](const group_metrics& of, time_point now) -> value {
       return of.last_progress ? value(seconds(now - *of.last_progress)) : std::nullopt;
     }},
};

// ---- the text -------------------------------------------------------------------------------------------

// How many bytes of UTF-8 a character takes here; 0 if they are none.
std::size_t character_bytes(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i != size; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  const bool too_long = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  const bool surrogate = first == 0xed && at(1) >= 0xa0;
  const bool too_great = first == 0xf4 && at(1) >= 0x90;
  return too_long || surrogate || too_great ? 0 : size;
}

void put_label(std::string& to, const char* name, std::string_view text) {
  to.append(name).append("=\"");
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    if (size == 0)
      to += "\xef\xbf\xbd";
    else if (text[0] == '\\' || text[0] == '"')
      to.append(1, '\\').append(1, text[0]);
    else if (text[0] == '\n')
      to += "\\n";
    else
      to += text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  to += '"';
}

void put_head(std::string& to, const char* name, const char* type, const char* help) {
  to.append("# HELP braid_queue_").append(name).append(" ").append(help);
  to.append("\n# TYPE braid_queue_").append(name).append(" ").append(type).append("\n");
}

// Begins a line, up to its labels.
void put_name(std::string& to, const char* name, std::string_view queue) {
  to.append("braid_queue_").append(name).append("{");
  put_label(to, "queue", queue);
}
void put_value(std::string& to, double what) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, what, std::chars_format::general, 15).ptr;
  to.append("} ").append(text, end).append("\n");
}

void put_states(std::string& to, std::span<const monitored_queue> all) {
  put_head(to, "group_messages", "gauge", "Unfinished messages of the group, by their state.");
  for (const monitored_queue& each : all)
    for (const group_metrics& group : each.metrics.groups)
      for (const auto& [state, count] : {std::pair("ready", group.ready), std::pair("delayed", group.delayed),
                                         std::pair("leased", group.leased), std::pair("dead", group.dead)}) {
        put_name(to, "group_messages", each.name);
        to += ',';
        put_label(to, "group", group.name);
        to += ',';
        put_label(to, "state", state);
        put_value(to, number(count));
      }
}

}  // namespace

std::string to_prometheus(std::span<const monitored_queue> all, loop_clock::time_point now) {
  std::string text;
  for (const auto& each : of_queue) {
    put_head(text, each.name, each.type, each.help);
    for (const monitored_queue& one : all) {
      put_name(text, each.name, one.name);
      put_value(text, *each.value(one.metrics, now));
    }
  }
  put_states(text, all);
  for (const auto& each : of_group) {
    put_head(text, each.name, each.type, each.help);
    for (const monitored_queue& one : all)
      for (const group_metrics& group : one.metrics.groups) {
        const value found = each.value(group, now);
        if (!found) continue;
        put_name(text, each.name, one.name);
        text += ',';
        put_label(text, "group", group.name);
        put_value(text, *found);
      }
  }
  return text;
}

std::string to_prometheus(std::string_view name, const queue_metrics& of, loop_clock::time_point now) {
  const monitored_queue one{name, of};
  return to_prometheus(std::span(&one, 1), now);
}

}  // namespace braid::messaging
