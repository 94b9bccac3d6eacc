#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::http {

namespace detail {
class message_parser;
}  // namespace detail

/// The fields of a message's head, in their order. Names are compared without regard to case.
///
///     http::headers fields{{"content-type", "text/plain"}};
///     fields.add("Set-Cookie", "a=1");
///     fields.add("Set-Cookie", "b=2");                    // several fields may have one name
///     log(fields.get("Content-Type").value_or("none"));  // text/plain
///     for (const auto& [name, value] : fields) log(std::string(name) + ": " + std::string(value));
///
/// Lifetime  a value. Names and values are views into it, valid until it is changed, moved or destroyed.
/// Errors    std::invalid_argument for a name that is no token, and for a value with a line end or another
///           control character: no value can add a field or end the head.
/// Cost      all text is in one string; clear() keeps its memory.
class headers {
 public:
  struct field {
    std::string_view name, value;
  };
  class iterator;

  headers() = default;
  headers(std::initializer_list<field> fields) {
    for (const field& each : fields) add(each.name, each.value);
  }

  /// Adds a field behind the others. Blanks around the value are left out.
  void add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name) noexcept;
  void clear() noexcept;

  /// The value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return get(name).has_value(); }
  /// How many fields have that name.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  /// Is the word one of the comma-separated words in the fields of that name, as in "Connection: close"?
  [[nodiscard]] bool lists(std::string_view name, std::string_view word) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] field operator[](std::size_t index) const noexcept {
    const entry& at = entries_[index];
    return {{text_.data() + at.name, at.name_size}, {text_.data() + at.value, at.value_size}};
  }
  [[nodiscard]] iterator begin() const noexcept;
  [[nodiscard]] iterator end() const noexcept;

 private:
  friend class detail::message_parser;
  struct entry {  // places in text_
    std::uint32_t name, name_size, value, value_size;
  };

  std::string text_;
  std::vector<entry> entries_;
};

/// Goes through the fields, which it makes on the way.
class headers::iterator {
 public:
  using value_type = field;
  using difference_type = std::ptrdiff_t;
  iterator() = default;
  iterator(const headers& of, std::size_t index) noexcept : of_(&of), index_(index) {}
  field operator*() const noexcept { return (*of_)[index_]; }
  iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  iterator operator++(int) noexcept { return {*of_, index_++}; }
  friend bool operator==(const iterator&, const iterator&) = default;

 private:
  const headers* of_ = nullptr;
  std::size_t index_ = 0;
};

inline headers::iterator headers::begin() const noexcept { return {*this, 0}; }
inline headers::iterator headers::end() const noexcept { return {*this, size()}; }

}  // namespace braid::http
