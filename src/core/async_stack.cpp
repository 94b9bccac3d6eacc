#include "braid/core/async_stack.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "braid/core/detail/value_frame.hpp"

namespace braid {

namespace {

// The position of the parenthesis that matches the last one in text.
std::size_t opening_of_last(std::string_view text) {
  int depth = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == ')') ++depth;
    if (text[i] == '(' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// Every hidden frame has this place, and no other frame has.
constexpr std::source_location place_of_hidden = std::source_location::current();
constexpr char key_of_links = 0;

// A source_location is a pointer. To compare that is faster than to compare file and line.
bool is_hidden(const async_frame& frame) noexcept {
  return std::bit_cast<const void*>(frame.where) == std::bit_cast<const void*>(place_of_hidden);
}

// Four frames a round, since g++ unrolls no loop with two ends: this is what reading a task_local takes.
const hidden_frame* nearest_hidden(const async_frame* frame) noexcept {
  const auto is_shown = [](const async_frame* one) { return one != nullptr && !is_hidden(*one); };
  while (is_shown(frame) && is_shown(frame = frame->parent) && is_shown(frame = frame->parent) &&
         is_shown(frame = frame->parent))
    frame = frame->parent;
  return static_cast<const hidden_frame*>(frame);
}

// Not inline: without a call in its loop, nearest needs no registers of its caller.
[[gnu::cold, gnu::noinline]] const detail::value_frame* nearest_beyond(const hidden_frame& link,
                                                                       const void* key) noexcept {
  const bool is_here = static_cast<const async_link&>(link).is_here();
  return is_here ? detail::value_frame::nearest(link.parent, key) : nullptr;
}

// The innermost frames of a chain, at most async_stack::most_frames.
struct kept_frames {
  explicit kept_frames(const async_frame* innermost) noexcept {
    const async_frame* frame = innermost;
    for (; frame != nullptr && count < places.size(); frame = frame->parent) {
      if (const async_link* link = async_link::from(*frame)) [[unlikely]] {
        if (link->is_here()) continue;
        break;
      }
      if (frame->where.line() != 0 && !is_hidden(*frame)) places[count++] = frame->where;
    }
    goes_on_at = frame;
  }
  [[nodiscard]] std::span<const std::source_location> span() const noexcept { return {places.data(), count}; }

  std::array<std::source_location, async_stack::most_frames> places;
  std::size_t count = 0;
  const async_frame* goes_on_at;  // the first frame left out; null if the stack is whole
};

void format_frames(std::string& text, std::span<const std::source_location> frames, bool is_whole,
                   const std::string& indent) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const bool is_verb = is_whole && i + 1 == frames.size();
    text += indent + (is_verb ? "  started at " : "  at ") + format_place(frames[i]) + "\n";
  }
  if (!is_whole) text += indent + "  ...\n";
}

void format_into(std::string& text, const error& failure, const std::string& indent) {
  format_frames(text, failure.stack(), failure.stack_is_whole(), indent);
  for (const error& other : failure.suppressed()) {
    text += indent + "  suppressed: " + other.message() + "\n";
    format_into(text, other, indent + "  ");
  }
}

std::terminate_handler called_next = nullptr;
std::atomic<bool> is_explained{false};

void explain_and_terminate() {
  if (const auto failure = error::behind(std::current_exception()); failure && !is_explained) {
    const std::string stack = format_stack(*failure);
    if (!stack.empty())
      std::fprintf(stderr, "braid: uncaught error: %s\n%s", failure->message().c_str(), stack.c_str());
  }
  if (called_next != nullptr) called_next();
  std::abort();
}

}  // namespace

hidden_frame::hidden_frame(const void* what) noexcept : key(what) { where = place_of_hidden; }

const hidden_frame* hidden_frame::from(const async_frame& frame) noexcept {
  return is_hidden(frame) ? static_cast<const hidden_frame*>(&frame) : nullptr;
}

async_link::async_link() noexcept : hidden_frame(&key_of_links) {}

const async_link* async_link::from(const async_frame& frame) noexcept {
  const hidden_frame* const one = hidden_frame::from(frame);
  return one != nullptr && one->key == &key_of_links ? static_cast<const async_link*>(one) : nullptr;
}

detail::value_frame::value_frame(const void* what, const void* where_it_is) noexcept
    : hidden_frame(what), value(where_it_is) {}

const detail::value_frame* detail::value_frame::nearest(const async_frame* innermost,
                                                        const void* key) noexcept {
  for (const hidden_frame* one = nearest_hidden(innermost); one != nullptr;
       one = nearest_hidden(one->parent)) {
    if (one->key == key) return static_cast<const value_frame*>(one);
    if (one->key == &key_of_links) return nearest_beyond(*one, key);
  }
  return nullptr;
}

void explain_uncaught_errors() noexcept {
  static const bool once = [] {
    called_next = std::set_terminate(explain_and_terminate);
    return true;
  }();
  (void)once;
}

void terminate_explained() noexcept {
  is_explained = true;
  std::terminate();
}

async_stack stack_of(const async_frame* innermost) {
  if constexpr (BRAID_RECORD_STACKS == 0) return {};
  const kept_frames kept(innermost);
  return {{kept.span().begin(), kept.span().end()}, kept.goes_on_at == nullptr};
}

void attach_stack(error& failure, const async_frame* innermost) noexcept {
  if (BRAID_RECORD_STACKS == 0 || innermost == nullptr || !failure.stack().empty()) return;
  const kept_frames kept(innermost);
  try {
    failure.set_stack(kept.span(), kept.goes_on_at);
  } catch (const std::bad_alloc&) {
    // the failure matters more than its stack
  }
}

void complete_stack(error& failure, const async_link& link) noexcept {
  const auto* const here = static_cast<const async_frame*>(&link);
  if (BRAID_RECORD_STACKS == 0 || failure.stack_goes_on_at() != here) return;
  const kept_frames rest(link.parent);
  try {
    std::vector<std::source_location> whole(failure.stack().begin(), failure.stack().end());
    const std::size_t taken = std::min(rest.count, async_stack::most_frames - whole.size());
    whole.insert(whole.end(), rest.places.begin(), rest.places.begin() + static_cast<std::ptrdiff_t>(taken));
    failure.set_stack(whole, taken == rest.count ? rest.goes_on_at : here);
  } catch (const std::bad_alloc&) {
    // the inner part of the stack must do
  }
}

std::string format_stack(const error& failure) {
  std::string text;
  format_into(text, failure, "");
  return text;
}

std::string format_stack(const async_stack& stack) {
  std::string text;
  format_frames(text, stack.frames, stack.is_whole, "");
  return text;
}

// For a coroutine f(int), g++ says "void f(f(int)::_Z1fi.Frame*)"; this returns "f".
std::string_view written_name(std::string_view name) {
  const std::size_t mangled = name.rfind("::_Z");
  if (!name.ends_with(".Frame*)") || mangled == std::string_view::npos) return name;
  const std::size_t frame = opening_of_last(name);
  const std::size_t result = std::string_view("void ").size();
  if (frame == std::string_view::npos || frame < result) return name;
  return name.substr(result, frame - result);
}

std::string format_place(const std::source_location& where) {
  if (where.line() == 0) return "an unknown place";
  std::string text(written_name(where.function_name()));
  text += " (";
  text += where.file_name();
  text += ":";
  text += std::to_string(where.line());
  return text += ")";
}

}  // namespace braid
