#include "braid/trace/tasks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "braid/core/async_stack.hpp"
#include "braid/loop/direct_calls.hpp"
#include "json_text.hpp"

namespace braid {

namespace {

task_wait seen(const detail::task_tracker::wait& wait, loop_clock::time_point now) {
  task_wait made;
  made.waiting = now - wait.since;
  if (wait.is_timer) {
    made.due_in = wait.deadline - now;
    return made;
  }
  made.request = wait.code;
  made.descriptor = wait.descriptor;
  if (wait.descriptor >= 0) made.object = describe(wait.descriptor);
  return made;
}

// The frames of a snapshot as trees. A root is a verb, or a frame whose parent is not in the snapshot because
// the parent lives on another loop or is not tracked.
class forest {
 public:
  explicit forest(const detail::task_tracker::snapshot& all) : all_(all) {
    for (const auto& each : all.frames) places_.emplace(each.address, places_.size());
    children_.resize(all.frames.size());
    waits_.resize(all.frames.size());
    for (std::size_t i = 0; i < all.frames.size(); ++i) {
      // a parent that began later is another frame, at the address of a parent that is gone
      if (const std::size_t parent = place_of(all.frames[i].parent); parent != nowhere && parent < i)
        children_[parent].push_back(i);
      else
        roots_.push_back(i);
    }
  }

  // Not recursive, because a chain of tasks may be deeper than the thread's stack.
  [[nodiscard]] task_dump walk() {
    task_dump dump;
    for (const auto& each : all_.waits) {
      const std::size_t frame = place_of(each.frame);
      (frame == nowhere ? dump.unowned : waits_[frame]).push_back(seen(each, all_.taken));
    }
    std::vector<std::pair<std::size_t, std::size_t>> due;  // a frame and its depth
    const auto add = [&](const std::vector<std::size_t>& frames, std::size_t depth) {
      for (std::size_t i = frames.size(); i-- > 0;) due.emplace_back(frames[i], depth);
    };
    add(roots_, 0);
    while (!due.empty()) {
      const auto [at, depth] = due.back();
      due.pop_back();
      const auto& frame = all_.frames[at];
      dump.frames.push_back(
          {frame.kind, depth, frame.where, all_.taken - frame.since, std::move(waits_[at])});
      add(children_[at], depth + 1);
    }
    return dump;
  }

 private:
  static constexpr std::size_t nowhere = ~std::size_t{0};
  [[nodiscard]] std::size_t place_of(const async_frame* frame) const {
    const auto found = places_.find(frame);
    return found == places_.end() ? nowhere : found->second;
  }

  const detail::task_tracker::snapshot& all_;
  std::unordered_map<const async_frame*, std::size_t> places_;
  std::vector<std::vector<std::size_t>> children_;
  std::vector<std::vector<task_wait>> waits_;
  std::vector<std::size_t> roots_;
};

std::string seconds(loop_clock::duration d) {
  std::array<char, 32> text;  // to_chars ignores the locale
  const auto end = std::to_chars(text.begin(), text.end(), std::chrono::duration<double>(d).count(),
                                 std::chars_format::fixed, 3);
  return {text.begin(), end.ptr};
}

std::string format_wait(const task_wait& wait) {
  if (!wait.request) return "timer due in " + seconds(wait.due_in) + " s";
  std::string text = name_of(*wait.request);
  if (wait.descriptor >= 0) {
    const std::string number = "descriptor " + std::to_string(wait.descriptor);
    text += " on " + wait.object;
    if (!wait.object.starts_with(number)) text += " (" + number + ")";
  }
  return text + " for " + seconds(wait.waiting) + " s";
}

const char* kind_name(frame_kind kind) {
  switch (kind) {
    case frame_kind::verb: return "verb";
    case frame_kind::coroutine: return "coroutine";
    case frame_kind::fiber: return "fiber";
  }
  return "";
}

std::string waits_as_json(const std::vector<task_wait>& waits) {
  std::string text = "[";
  for (const task_wait& each : waits) {
    if (text.size() > 1) text += ", ";
    if (each.request) {
      text += "{\"request\": " + json_text(name_of(*each.request));
      if (each.descriptor >= 0)
        text += ", \"descriptor\": " + std::to_string(each.descriptor) +
                ", \"object\": " + json_text(each.object);
    } else {
      text += "{\"timer_due_in_s\": " + seconds(each.due_in);
    }
    text += ", \"waiting_s\": " + seconds(each.waiting) + "}";
  }
  return text + "]";
}

// The JSON of a frame up to its children.
std::string opening_of(const task_frame& frame) {
  return std::string("{\"kind\": \"") + kind_name(frame.kind) +
         "\", \"function\": " + json_text(written_name(frame.where.function_name())) +
         ", \"file\": " + json_text(frame.where.file_name()) +
         ", \"line\": " + std::to_string(frame.where.line()) + ", \"waiting_s\": " + seconds(frame.waiting) +
         ", \"waits_for\": " + waits_as_json(frame.waits_for) + ", \"children\": [";
}

}  // namespace

task_dump dump_tasks(const loop& which) {
  if (which.operations().tracker() == nullptr)
    throw std::logic_error(
        "dump_tasks: this loop does not track its tasks; make it with loop_options{.track_tasks = true}, or "
        "set "
        "BRAID_TRACK_TASKS=1");
  const detail::task_tracker::snapshot all = which.operations().tracker()->take();
  return forest(all).walk();
}

std::string format_tasks(const task_dump& dump) {
  std::string text;
  for (const task_frame& frame : dump.frames) {
    text.append(2 * frame.depth + 2, ' ');
    const bool is_verb = frame.kind == frame_kind::verb;
    text += (is_verb ? "started at " : "at ") + format_place(frame.where);
    text += is_verb ? ", " + seconds(frame.waiting) + " s ago" : " for " + seconds(frame.waiting) + " s";
    for (const task_wait& each : frame.waits_for)
      text += (&each == frame.waits_for.data() ? ": " : ", ") + format_wait(each);
    text += "\n";
  }
  for (const task_wait& each : dump.unowned) text += "  nobody waits for: " + format_wait(each) + "\n";
  return text.empty() ? "  no task\n" : text;
}

std::string to_json(const task_dump& dump) {
  std::string text = "{\"tasks\": [";
  std::size_t open = 0;  // frames whose children are being written
  for (std::size_t i = 0; i < dump.frames.size(); ++i) {
    const task_frame& frame = dump.frames[i];
    for (; open > frame.depth; --open) text += "]}";
    if (i > 0 && dump.frames[i - 1].depth >= frame.depth) text += ", ";
    text += opening_of(frame);
    ++open;
  }
  for (; open > 0; --open) text += "]}";
  return text + "], \"unowned\": " + waits_as_json(dump.unowned) + "}\n";
}

}  // namespace braid
