#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"
#include "stage/story.hpp"

namespace cancel_everything {

/// A site whose parts are fetched over the network. A page that is being built has a draft, which is a file.
///
/// Lifetime  outlives its operations; so does the story, which records how each step ends.
/// Threads   one loop's.
/// Errors    stage::refused, std::system_error.
class site {
 public:
  site(braid::endpoint at, stage::story& told, std::chrono::milliseconds pause = std::chrono::milliseconds(1))
      : at_(at), told_(&told), pause_(pause) {}

  /// Makes the draft.
  [[nodiscard]] braid::task<> open_draft(std::filesystem::path draft) const;
  /// Removes the draft, if there is one.
  [[nodiscard]] braid::task<> discard(std::filesystem::path draft) const;
  /// A part of the page: a connection, a request and an answer.
  [[nodiscard]] braid::task<std::string> fetch(std::string part) const;
  /// The same, requested again after each pause until it is ready.
  [[nodiscard]] braid::task<std::string> poll(std::string part) const;

  /// The fetches in flight.
  [[nodiscard]] int under_way() const noexcept { return under_way_; }

 private:
  braid::endpoint at_;
  stage::story* told_;
  std::chrono::milliseconds pause_;
  mutable int under_way_ = 0;
};

}  // namespace cancel_everything
