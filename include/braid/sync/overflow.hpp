#pragma once

namespace braid {

/// What a channel does with an element for which it has no room. A send on a channel that drops never waits;
/// channel::dropped() counts the elements that no receive will get.
///
///     channel<std::string> lines(100, overflow::drop_oldest);
///     (void)lines.try_send("a line");  // true: it is in the channel, perhaps in the place of an older one
///     if (lines.dropped() != 0) log("some lines are missing");
enum class overflow : unsigned char {
  wait,         ///< the send waits for room: nothing is lost
  drop_oldest,  ///< the element that has been in the channel longest makes room
  drop_newest,  ///< the element that is being sent is dropped, and its send completes
  latest,       ///< the channel has room for one element: the last that was sent
};

}  // namespace braid
