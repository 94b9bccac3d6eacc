#pragma once

#include <array>
#include <string>
#include <vector>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"
#include "stage/story.hpp"

namespace race_and_timeout {

struct page {
  std::string mirror;
  std::string text;
};

/// The client's view of three services that have the same page.
///
/// Lifetime  outlives its fetches; so does the story, which records when each begins and how it ends: "east",
///           "east failed", "east stopped".
/// Threads   one loop's.
/// Errors    stage::refused when a mirror does not have the page; std::system_error when it does not answer.
class mirrors {
 public:
  static constexpr std::array names{"north", "east", "south"};

  mirrors(std::array<braid::endpoint, names.size()> at, stage::story& told) : at_(at), told_(&told) {}

  /// One fetch for each mirror.
  [[nodiscard]] std::vector<braid::task<page>> fetch_each() const;
  /// How many fetches are in flight.
  [[nodiscard]] int under_way() const noexcept { return under_way_; }

 private:
  [[nodiscard]] braid::task<page> fetch(std::size_t which) const;

  std::array<braid::endpoint, names.size()> at_;
  stage::story* told_;
  mutable int under_way_ = 0;
};

}  // namespace race_and_timeout
