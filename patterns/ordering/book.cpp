#include "book.hpp"

using namespace braid;

namespace ordering {

task<page> book::fetch(int number) const {
  std::string text = co_await stage::ask(at_, std::to_string(number));
  told_->tell("page " + std::to_string(number) + " came");
  if (came_) came_(number);
  co_return page{number, std::move(text)};
}

stage::answer_fn library(std::function<task<>(int number)> pace, int last_page) {
  return [pace = std::move(pace), last_page](std::string line) -> task<std::string> {
    static constexpr std::array texts{"once", "upon", "a time"};
    const int number = std::stoi(line);
    co_await pace(number);
    if (number > last_page) throw stage::refused("the book ends before page " + line);
    co_return texts.at(static_cast<std::size_t>(number - 1));
  };
}

}  // namespace ordering
