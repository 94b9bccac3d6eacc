#include "braid/http/body.hpp"

#include "braid/http/status.hpp"

namespace braid::http {

task<std::optional<std::string>> body::next() {
  std::optional<std::string> piece;
  if (source_) {
    piece = co_await source_->next();
  } else if (!whole_.empty()) {
    piece = std::move(whole_);
    whole_.clear();
  }
  co_return piece;
}

task<std::string> body::text(std::size_t limit) {
  std::string all;
  const auto add = [&](std::string&& piece) {
    if (piece.size() > limit - all.size())
      status_error(413, "a body of more than " + std::to_string(limit) + " bytes").rethrow();
    if (all.empty())
      all = std::move(piece);
    else
      all += piece;
  };
  if (const auto known = size(); known && *known > limit)
    status_error(413, "a body of " + std::to_string(*known) + " bytes, where " + std::to_string(limit) +
                          " are allowed")
        .rethrow();
  for (;;) {
    std::optional<std::string> piece = co_await next();
    if (!piece) break;
    add(*std::move(piece));
  }
  co_return all;
}

}  // namespace braid::http
