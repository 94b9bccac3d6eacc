#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "braid/base/pinned.hpp"
#include "link.hpp"

namespace braid::postgres::detail {

/// A COPY TO STDOUT in progress. It has the connection until its end.
class copy_out_core : pinned {
 public:
  explicit copy_out_core(link& on) : on_(on) { turn_.emplace(on); }
  [[nodiscard]] task<> begin(std::string text);
  [[nodiscard]] task<std::optional<std::string>> next();
  [[nodiscard]] task<> abort();
  std::uint64_t count = 0;

 private:
  [[nodiscard]] bool take(std::string& piece);
  link& on_;
  std::optional<link::turn> turn_;  // until the end; its destructor closes a connection in the middle
  bool is_whole_ = false;           // all rows have come
  answer end_;                      // what comes behind them
};

/// A COPY FROM STDIN in progress.
class copy_in_core : pinned {
 public:
  explicit copy_in_core(link& on) : on_(on) { turn_.emplace(on); }
  [[nodiscard]] task<> begin(std::string text);
  [[nodiscard]] task<> write(std::string_view bytes);
  [[nodiscard]] task<std::uint64_t> finish();
  [[nodiscard]] task<> abort(std::string reason);

 private:
  void check(const char* call);
  [[nodiscard]] task<> flush(const char* call);
  [[nodiscard]] task<> put_end(const char* reason, const char* call);
  [[noreturn]] void lose(errc how, const char* call);
  link& on_;
  std::optional<link::turn> turn_;
  bool is_torn_ = false;  // a write has not ended well, or has not ended yet
};

}  // namespace braid::postgres::detail
