#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/loop/bytes.hpp"
#include "braid/loop/clock.hpp"

namespace braid::redis {

namespace detail {

// A word of a command: a text as it is, or the digits of a number.
class word {
 public:
  word(std::string_view text) noexcept : text_(text) {}
  word(readable_bytes bytes) noexcept : text_(static_cast<const char*>(bytes.data()), bytes.size()) {}
  word(std::int64_t number) noexcept;
  word(std::uint64_t number) noexcept;
  word(double number) noexcept;
  word(const word&) = delete;
  word& operator=(const word&) = delete;
  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  std::array<char, 32> digits_;
  std::string_view text_;
};

template <class T>
concept text_word = std::convertible_to<const T&, std::string_view>;
template <class T>
concept number_word = std::is_arithmetic_v<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

template <class T>
decltype(auto) as_word(const T& from) noexcept {
  if constexpr (text_word<T>)
    return std::string_view(from);
  else if constexpr (std::same_as<T, readable_bytes>)
    return from;
  else if constexpr (std::is_floating_point_v<T>)
    return static_cast<double>(from);
  else if constexpr (std::is_signed_v<T>)
    return static_cast<std::int64_t>(from);
  else
    return static_cast<std::uint64_t>(from);
}

// What a command does to the connection that carries it.
enum class effect : std::uint8_t {
  none,
  unwatches,    // EXEC, DISCARD, UNWATCH: takes back what WATCH and MULTI do
  watches,      // WATCH, MULTI
  on_state,     // later commands mean something else: SELECT, AUTH
  on_protocol,  // there is no longer one reply for each command: SUBSCRIBE, HELLO, CLIENT REPLY
};

}  // namespace detail

/// What can be a word of a command: a text, bytes, or a number.
///
///     static_assert(redis::word_of_command<std::string> && redis::word_of_command<int>);
template <class T>
concept word_of_command = detail::text_word<T> || detail::number_word<T> || std::same_as<T, readable_bytes>;

/// A command with its words, as bytes of the protocol; and what the client may do with it.
///
///     redis::request ask("HGETALL", "user:7");
///     ask.idempotent().within(2s);
///     const redis::value user = co_await db.command(ask);
///
/// Lifetime  a value that holds its bytes; copies share them.
/// Errors    std::bad_alloc; std::length_error for more than 512 MiB, or without a word.
class request {
 public:
  template <word_of_command... Words>
    requires(sizeof...(Words) > 0)
  explicit request(const Words&... words) {
    const std::array<detail::word, sizeof...(Words)> all{detail::as_word(words)...};
    std::array<std::string_view, sizeof...(Words)> texts;
    for (std::size_t i = 0; i < all.size(); ++i) texts[i] = all[i].text();
    format(texts);
  }
  /// Of any number of words.
  [[nodiscard]] static request of(std::span<const std::string> words);

  /// Declares that doing it twice does what doing it once does: after a connection was lost the client sends
  /// it again, where it otherwise fails with errc::reply_lost.
  request& idempotent(bool is = true) noexcept {
    idempotent_ = is;
    return *this;
  }
  /// Its time, in place of that of the options: for a command that blocks in the server, more than it blocks.
  /// So long the server may be silent.
  template <class Rep, class Period>
  request& within(std::chrono::duration<Rep, Period> time) noexcept {
    within_ = loop_clock::saturated(time);
    return *this;
  }

  /// Its first word.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.get(), size_}; }
  [[nodiscard]] bool is_idempotent() const noexcept { return idempotent_; }
  [[nodiscard]] std::optional<loop_clock::duration> within() const noexcept { return within_; }
  [[nodiscard]] detail::effect its_effect() const noexcept { return effect_; }
  // For the client, which sends a long one from where it is.
  [[nodiscard]] const std::shared_ptr<const char>& shared_bytes() const noexcept { return bytes_; }

 private:
  request() = default;
  void format(std::span<const std::string_view> words);

  std::string name_;
  std::shared_ptr<const char> bytes_;
  std::size_t size_ = 0;
  bool idempotent_ = false;
  detail::effect effect_ = detail::effect::none;
  std::optional<loop_clock::duration> within_;
};

}  // namespace braid::redis
