// The rules that a random program must keep.

#include <algorithm>

#include "programs.hpp"

namespace braid_tests {

void sync_program::accepted(std::size_t channel, int id) {
  for (sent_element& each : sent_[channel])
    if (each.id == id) each.accepted = now_;
}

void sync_program::received(std::size_t channel, const std::optional<element>& got) {
  if (!got) return expect(closed_[channel], "an open channel reported its end");
  just_received_[channel].push_back(got->id);
  for (sent_element& each : sent_[channel])
    if (each.id == got->id)
      return expect(!std::exchange(each.received, true), "an element was received twice");
  expect(false, "an element was received that was never sent");
}

std::size_t sync_program::held_of(std::size_t which_variant, const void* object) const {
  return static_cast<std::size_t>(std::count_if(held_.begin(), held_.end(), [&](const auto& each) {
    return each.first == object && each.second.index() == which_variant;
  }));
}

std::size_t sync_program::permits(std::size_t channel) const {
  return held_of(4, &objects_.channels[channel]);
}

std::size_t sync_program::waiting(kind what, std::size_t which, const program_step* but) const {
  return static_cast<std::size_t>(
      std::count_if(waiting_.begin(), waiting_.end(), [&](const program_step* step) {
        return step != but && std::any_of(step->wishes.begin(), step->wishes.end(), [&](const wish& each) {
                 return each.what == what && each.which == which;
               });
      }));
}

void sync_program::check_conservation() {
  for (std::size_t w = 0; w < 2; ++w) {
    expect(objects_.doors[w].is_locked() == (held_of(0, &objects_.doors[w]) == 1),
           "a mutex is locked without a holder, or held without being locked");
    const std::size_t writers = held_of(1, &objects_.books[w]), readers = held_of(2, &objects_.books[w]);
    expect(objects_.books[w].is_locked() == (writers + readers != 0),
           "a shared_mutex is locked without a holder, or held without being locked");
    expect(objects_.tickets[w].available() + held_of(3, &objects_.tickets[w]) == w + 1,
           "a semaphore has lost or gained permits");
    expect(rung_[w] + (objects_.bells[w].is_set() ? 1 : 0) == bell_sets_[w],
           "an auto_reset_event has woken too many or too few waiters");
    expect(met_[w] % expected_at_meeting[w] == 0, "a barrier completed a phase without all arrivals");
  }
  for (std::size_t c = 0; c < 3; ++c) {
    std::size_t inside = 0;
    for (const sent_element& each : sent_[c]) {
      expect(!each.received || each.accepted >= 0,
             "an element was received although its send has not succeeded");
      inside += each.accepted >= 0 && !each.received ? 1 : 0;
    }
    expect(inside == objects_.channels[c].size(), "an element was lost");
  }
  for (std::size_t w = 0; w < 2; ++w)
    expect(objects_.pages[w].valid() ? objects_.pages[w].is_ready() == (settled_[w] != 0) : ending_,
           "a future has lost its value");
  expect(objects_.news.size() <= 2, "a broadcast keeps more than it should");
  if (std::min(news_next_[0], news_next_[1]) > news_sent_)
    expect(objects_.news.size() == 0, "a broadcast keeps elements that all readers have received");
}

sync_program::answer sync_program::can_now(const wish& of) {
  sync_objects& o = objects_;
  const std::size_t w = of.which;
  const auto yes_if = [](bool yes) { return yes ? answer::yes : answer::no; };
  switch (of.what) {
    case kind::lock: return yes_if(!o.doors[w].is_locked());
    case kind::write: return yes_if(!o.books[w].is_locked());
    case kind::read:
      return yes_if(held_of(1, &o.books[w]) == 0 && waiting(kind::read, w) + waiting(kind::write, w) == 0);
    case kind::acquire: return yes_if(o.tickets[w].available() != 0);
    case kind::event: return yes_if(o.events[w].is_set());
    case kind::bell: return yes_if(o.bells[w].is_set());
    case kind::latch: return yes_if(latch_left_[w] == 0);
    case kind::meet: return yes_if(waiting(kind::meet, w) + 1 >= expected_at_meeting[w]);
    case kind::news: return yes_if(news_closed_ || news_next_[w] <= news_sent_);
    case kind::latest: return yes_if(latest_closed_ || latest_seen_[w] != latest_version_);
    case kind::pause: return answer::no;
    case kind::beat: return answer::unknown;
    case kind::page: return yes_if(settled_[w] != 0);
    default: break;
  }
  const channel<element>& it = o.channels[w];
  const bool has_room = it.size() + permits(w) < it.capacity();
  const bool receiver = waiting(kind::receive, w) != 0;
  const bool sender = waiting(kind::send, w) + waiting(kind::send_from, w) != 0;
  if (of.what == kind::receive) {
    if (it.size() != 0 || (closed_[w] && permits(w) == 0)) return answer::yes;
    if (sender && w == 0 && waiting(kind::reserve, w) != 0) return answer::unknown;
    return yes_if(sender);
  }
  if (closed_[w] || has_room) return answer::yes;
  if (w != 0) return yes_if(receiver && of.what != kind::reserve);
  return receiver && permits(0) != 0 ? answer::unknown : yes_if(receiver);
}

// Returns true only where it is certain.
bool sync_program::could_end(const program_step& step, const wish& of) {
  sync_objects& o = objects_;
  const std::size_t w = of.which;
  switch (of.what) {
    case kind::write:
    case kind::read:
      for (const program_step* each : waiting_)
        for (const wish& first : each->wishes)
          if (first.which == w && (first.what == kind::write || first.what == kind::read))
            return &first == &of &&
                   (of.what == kind::write ? !o.books[w].is_locked() : held_of(1, &o.books[w]) == 0);
      return false;
    case kind::meet: return waiting(kind::meet, w) >= expected_at_meeting[w];
    case kind::send:
    case kind::send_from:
    case kind::reserve:
    case kind::receive: break;
    default: return can_now(of) == answer::yes;
  }
  const channel<element>& it = o.channels[w];
  const bool has_room = it.size() + permits(w) < it.capacity();
  const bool is_free = w != 0 || permits(w) == 0;  // no permit is promised to a waiting receiver
  const bool receiver = is_free && waiting(kind::receive, w, &step) != 0;
  if (of.what == kind::reserve) return closed_[w] || has_room || (w == 0 && receiver);
  if (of.what != kind::receive) return closed_now_[w] || has_room || receiver;
  const bool sender = waiting(kind::send, w, &step) + waiting(kind::send_from, w, &step) != 0;
  return it.size() != 0 || (closed_[w] && permits(w) == 0) || (is_free && sender);
}

void sync_program::check_no_waiter_stranded() {
  for (const program_step* step : waiting_) {
    for (const wish& each : step->wishes)
      if (could_end(*step, each)) return broken(*step, "an operation waits although it is possible");
    if (step->stop.stop_requested()) return broken(*step, "a stop request does not end an operation");
  }
}

// Operations are served first come, first served, and so are elements.
void sync_program::check_order() {
  for (const program_step* later : just_ended_) {
    const wish& got = later->wishes[later->index];
    if (got.what == kind::pause || got.what == kind::beat || got.what == kind::page) continue;
    if (got.what == kind::receive && got.which == 0 && rendezvous_permits_) continue;
    for (const program_step* earlier : waiting_) {
      if (earlier->number >= later->number) continue;
      bool same = false, meets_itself = false;
      for (const wish& each : earlier->wishes) {
        const bool of_same = each.which == got.which;
        same |= of_same && each.what == got.what;
        meets_itself |= of_same && is_channel(got.what) && is_channel(each.what) && each.what != got.what;
      }
      if (same && !meets_itself) return broken(*later, "an operation was overtaken");
    }
  }
  for (std::size_t c = 0; c < 3; ++c)
    for (const int id : just_received_[c])
      for (const sent_element& got : sent_[c])
        for (const sent_element& left : sent_[c])
          if (got.id == id && left.accepted >= 0 && !left.received && left.accepted < got.begun)
            return expect(false, "an element was overtaken");
}

}  // namespace braid_tests
