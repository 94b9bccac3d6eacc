#pragma once

#include <array>
#include <functional>
#include <string>

#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"
#include "stage/story.hpp"

namespace ordering {

/// A page of a book.
struct page {
  int number;
  std::string text;
};

/// The reader's view of a book on the network: each page is a connection, a request and an answer.
///
/// Lifetime  outlives its fetches; so does the story, which records when a page has arrived.
/// Errors    stage::refused when there is no such page.
class book {
 public:
  /// Called on the reader's loop when a page has arrived.
  using came_fn = std::function<void(int number)>;

  book(braid::endpoint at, stage::story& told, came_fn came = {})
      : at_(at), told_(&told), came_(std::move(came)) {}

  static constexpr std::array pages{1, 2, 3};
  [[nodiscard]] braid::task<page> fetch(int number) const;

 private:
  braid::endpoint at_;
  stage::story* told_;
  came_fn came_;
};

/// Answers with a page's text once pace(number) has ended; a number after the last page is refused.
[[nodiscard]] stage::answer_fn library(std::function<braid::task<>(int number)> pace, int last_page = 3);

}  // namespace ordering
