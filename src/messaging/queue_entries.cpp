#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "queue_core.hpp"

namespace braid::messaging::detail {

std::string new_record() { return std::string(1, static_cast<char>(queue_format_version)); }

std::int64_t in_ms(loop_clock::duration time) noexcept {
  return std::chrono::ceil<std::chrono::milliseconds>(time).count();
}

void put_group(entry_writer& to, const group_state& group, bool paused) {
  to.kind(entry_kind::group).word(group.number).text(group.name);
  to.word(static_cast<std::uint32_t>(group.how.attempts)).time(group.how.lease.count());
  to.word(static_cast<std::uint32_t>(group.how.key_limit)).byte(paused ? 1 : 0);
}

void put_message(entry_writer& to, const message& of, std::string_view key) {
  to.time(of.sent_at).byte(of.priority).text(key).word(of.body_sum);
}

// The state, and the failures from the oldest to the newest.
void put_slot_state(entry_writer& to, const slot& of, std::int64_t due) {
  to.byte(static_cast<std::uint8_t>(of.state)).word(of.attempts).word(of.recoveries).wide(of.token).time(due);
  std::vector<const failure_note*> notes;
  for (const failure_note* each = of.notes; each != nullptr; each = each->before) notes.push_back(each);
  to.half(static_cast<std::uint16_t>(notes.size()));
  for (auto each = notes.rbegin(); each != notes.rend(); ++each)
    to.word((*each)->attempt)
        .byte(static_cast<std::uint8_t>((*each)->how))
        .time((*each)->at)
        .text((*each)->reason);
}

void put_about(entry_writer& to, entry_kind kind, const slot& about) {
  to.kind(kind).wide(about.of->id).word(about.group->number);
}

void put_failure(entry_writer& to, const slot& about, std::uint64_t opened_at, bool dead, std::int64_t due,
                 const failure_note& note) {
  put_about(to, entry_kind::failed, about);
  to.wide(opened_at)
      .byte(dead ? 1 : 0)
      .time(due)
      .byte(static_cast<std::uint8_t>(note.how))
      .time(note.at)
      .text(note.reason);
}

}  // namespace braid::messaging::detail
