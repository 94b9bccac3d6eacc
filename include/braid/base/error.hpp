#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace braid {

/// The failures that are braid's own; those of the system are std::errc.
enum class errc {
  end_of_stream = 1,  ///< an exact read met the end of the file or the connection
  broken_promise,     ///< a promise was dropped before it was settled
  channel_closed,     ///< nothing more is sent through the channel
  exception,          ///< what an error that holds a caller's own exception gives as its code
};

/// The category of what a with_timeout or with_deadline fails with: equal to std::errc::timed_out, but told
/// apart from a connection that timed out by this category and by its message, "Timed out".
[[nodiscard]] const std::error_category& timeout_category() noexcept;
/// The category of errc, "braid".
[[nodiscard]] const std::error_category& braid_category() noexcept;
/// What makes an errc usable wherever a std::error_code is.
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), braid_category()};
}

/// How an operation failed: a std::error_code or a caller's exception, and what is known of where.
///
/// Lifetime  a value; copies share one counted record (call, object, exception, stack).
/// Threads   distinct copies may be used on distinct threads.
/// Cost      24 bytes. A bare code allocates nothing; the record comes from the frame pool.
/// Errors    making one never throws.
class error {
 public:
  error(std::error_code code) noexcept : category_(&code.category()), number_{code.value()} {}
  error(std::errc code) noexcept : error(std::make_error_code(code)) {}
  error(errc code) noexcept : error(make_error_code(code)) {}
  /// A std::system_error keeps its code, std::bad_alloc gives std::errc::not_enough_memory; any other
  /// exception gives errc::exception. Without memory to keep another exception the error is a std::bad_alloc.
  /// A null pointer gives a std::logic_error that says so.
  error(std::exception_ptr exception) noexcept;

  /// The failure of a named call ("read_some") on a named object (a path, an endpoint), which are left out
  /// without memory.
  error(std::error_code code, const char* call, std::string object = {}) noexcept;

  /// A std::bad_alloc, for where there is no memory for another error: it needs none.
  [[nodiscard]] static error out_of_memory() noexcept;

  /// The exception being handled. If it came out of an error, that error's call, object and stack are kept.
  [[nodiscard]] static error current() noexcept;

  error(const error& other) noexcept
      : category_(other.category_), number_(other.number_), record_(other.record_) {
    if (record_ != nullptr) add_reference();
  }
  error(error&& other) noexcept
      : category_(other.category_), number_(other.number_), record_(std::exchange(other.record_, nullptr)) {}
  error& operator=(error other) noexcept {
    std::swap(category_, other.category_);
    std::swap(number_, other.number_);
    std::swap(record_, other.record_);
    return *this;
  }
  ~error() {
    if (record_ != nullptr) drop_reference();
  }

  /// Why it failed; errc::exception when a caller's own exception is held.
  [[nodiscard]] std::error_code code() const noexcept { return {number_.value, *category_}; }

  /// The exception held, or null when there is only a code.
  [[nodiscard]] std::exception_ptr exception() const noexcept;

  /// Throws the exception held, else a std::system_error whose text is message().
  [[noreturn]] void rethrow() const;

  /// "read_some /etc/hostname: Is a directory", or the what() of the exception held.
  [[nodiscard]] std::string message() const;

  /// The call that failed, or empty.
  [[nodiscard]] std::string_view call() const noexcept;

  /// The chain of awaits that the failure went through, innermost first, and the verb that began it; empty
  /// until it left a task, a fiber or a verb.
  [[nodiscard]] std::span<const std::source_location> stack() const noexcept;
  /// Does stack() go out to the verb? Else the chain was longer than what is kept.
  [[nodiscard]] bool stack_is_whole() const noexcept;
  /// Called by whatever the failure leaves first. goes_on_at is the first level that is not among these; null
  /// where they go out to the verb.
  void set_stack(std::span<const std::source_location> levels, const void* goes_on_at = nullptr);
  [[nodiscard]] const void* stack_goes_on_at() const noexcept;

  /// How many bytes, the first ones of the buffer, read_exactly or write_all had moved when it failed or was
  /// cancelled. 0 for all that moves none. In a catch block: error::current().transferred().
  [[nodiscard]] std::size_t transferred() const noexcept;
  void set_transferred(std::size_t bytes) noexcept;

  /// Other errors that this one was preferred to: those of a join's other operations, in the order they came.
  [[nodiscard]] std::span<const error> suppressed() const noexcept;
  /// Adds one. Without memory it is dropped.
  void suppress(error other) noexcept;

  /// Is it the end of an operation that was asked to stop, or that its loop's end cut off? Such an error is
  /// silent: where nobody waits for the operation, nobody is told. An operation_canceled that nobody asked
  /// for is an error like any other.
  [[nodiscard]] bool is_requested_cancellation() const noexcept {
    return number_.requested && !of_clean_up();
  }
  /// Says that a stop was requested of the operation that failed: of an operation_canceled only.
  void set_requested(bool requested) noexcept {
    number_.requested =
        requested && (category_ == &std::generic_category() ? number_.value == ECANCELED
                                                            : code() == std::errc::operation_canceled);
  }

  /// Is this the failure of a clean-up (finally), or is one in its suppressed()? What drops the errors of its
  /// losers does not drop that one.
  [[nodiscard]] bool of_clean_up() const noexcept { return number_.of_clean_up; }
  /// Says so.
  void set_of_clean_up() noexcept;

  /// The error that this exception was thrown out of, if it was thrown out of one.
  [[nodiscard]] static std::optional<error> behind(const std::exception_ptr& exception) noexcept;

  /// For operator* on a result that holds this: says which error it is, and aborts.
  [[noreturn]] void misused_as_value() const noexcept { no_value_beside(category_, number_.value, record_); }

  /// Errors compare by their code alone.
  friend bool operator==(const error& left, const error& right) noexcept {
    return left.code() == right.code();
  }
  friend bool operator==(const error& left, std::errc right) noexcept { return left.code() == right; }
  friend bool operator==(const error& left, errc right) noexcept {
    return left.code() == make_error_code(right);
  }
  friend bool operator==(const error& left, std::error_code right) noexcept { return left.code() == right; }

 private:
  struct record;
  struct number {  // moved as one word
    int value;
    bool requested = false;
    bool of_clean_up = false;
  };
  record& own_record();
  // Given the members one by one, so that an error whose address nobody takes need not be in memory.
  [[noreturn, gnu::cold]] static void no_value_beside(const std::error_category* category, int value,
                                                      record* known) noexcept;
  void keep(std::exception_ptr exception) noexcept;
  void add_reference() const noexcept;
  void drop_reference() noexcept;

  const std::error_category* category_;
  number number_;
  record* record_ = nullptr;
};
static_assert(sizeof(error) == 24);

/// A std::invalid_argument that says "call: why".
[[nodiscard]] error invalid_argument_error(const char* call, const char* why) noexcept;
/// A std::logic_error that says what.
[[nodiscard]] error misuse_error(const char* what) noexcept;

}  // namespace braid

template <>
struct std::is_error_code_enum<braid::errc> : std::true_type {};
