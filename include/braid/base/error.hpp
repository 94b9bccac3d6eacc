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

#include "braid/base/stop_reason.hpp"

namespace braid {

/// The error codes of braid's own failures. Failures of the system have those of std::errc.
///
///     const result<void> whole = co_await as_result(peer.read_exactly(header));
///     if (!whole && whole.error() == errc::end_of_stream) co_return;  // the peer has closed the connection
enum class errc {
  end_of_stream = 1,  ///< an exact read met the end of the file or the connection
  broken_promise,     ///< a promise was destroyed before it was settled
  channel_closed,     ///< the channel takes no more elements
  exception,          ///< the code of an error that holds the caller's own exception
  circuit_open,       ///< a circuit breaker let no call through
  semaphore_closed,   ///< the semaphore gives out no more permits
  too_many_restarts,  ///< the children of a supervisor end too often
  queue_full,         ///< an offload_pool has no room for another function
};

/// The category of the error that with_timeout and with_deadline fail with. The code equals
/// std::errc::timed_out; the category and the message "Timed out" distinguish it from a connection's timeout.
///
///     const auto page = co_await as_result(with_timeout(fetch("index"), 1s));
///     const bool too_slow = !page && page.error().code().category() == timeout_category();
[[nodiscard]] const std::error_category& timeout_category() noexcept;
/// The category of errc, "braid".
///
///     const std::error_code code = errc::broken_promise;
///     use(code.category() == braid_category(), code.message());
[[nodiscard]] const std::error_category& braid_category() noexcept;
/// Makes an errc usable wherever a std::error_code is.
///
///     const std::error_code closed = errc::channel_closed;  // calls make_error_code
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), braid_category()};
}

/// The reason why an operation failed: a std::error_code or the caller's exception, with the call, the object
/// and the asynchronous stack as far as they are known.
///
///     const auto text = co_await as_result(read_file("/etc/braid.conf"));
///     if (!text && text.error() == std::errc::no_such_file_or_directory) co_return;  // the defaults will do
///     if (!text) log(text.error().message());  // "open_file /etc/braid.conf: Permission denied"
///
///     const error named(std::make_error_code(std::errc::io_error), "load", "page 7");
///     log(named.message());  // "load page 7: Input/output error"
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
  /// A std::system_error keeps its code, a std::bad_alloc gets std::errc::not_enough_memory, and any other
  /// exception gets errc::exception. If there is no memory to store the exception, a std::system_error's code
  /// stays alone, and any other exception becomes a std::bad_alloc. A null pointer makes a std::logic_error.
  error(std::exception_ptr exception) noexcept;

  /// The failure of a named call ("read_some") on a named object (a path, an endpoint). Without memory both
  /// names are left out.
  error(std::error_code code, const char* call, std::string object = {}) noexcept;

  /// A std::bad_alloc that was made at the start of the program and so needs no memory now.
  [[nodiscard]] static error out_of_memory() noexcept;

  /// The exception being handled. If an error threw it, that error's call, object and stack are kept.
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

  /// The reason as a code; errc::exception if the error holds the caller's own exception.
  [[nodiscard]] std::error_code code() const noexcept { return {number_.value, *category_}; }

  /// The exception held, or null when there is only a code.
  [[nodiscard]] std::exception_ptr exception() const noexcept;

  /// Throws the exception held, else a std::system_error whose text is message().
  [[noreturn]] void rethrow() const;

  /// "read_some /etc/hostname: Is a directory", or the what() of the exception held.
  [[nodiscard]] std::string message() const;

  /// The call that failed, or empty.
  [[nodiscard]] std::string_view call() const noexcept;

  /// The asynchronous stack that the failure went through: its awaits, innermost first, and the verb. It is
  /// empty until the failure has left a task, a fiber or a verb.
  [[nodiscard]] std::span<const std::source_location> stack() const noexcept;
  /// Does stack() reach the verb? If not, it was longer than what is stored.
  [[nodiscard]] bool stack_is_whole() const noexcept;
  // The first frame that the failure leaves calls this. goes_on_at is the first frame that `frames`
  // lacks; null if they reach the verb.
  void set_stack(std::span<const std::source_location> frames, const void* goes_on_at = nullptr);
  [[nodiscard]] const void* stack_goes_on_at() const noexcept;

  /// The number of bytes, from the start of the buffer, that read_exactly or write_all had moved when it
  /// failed or was cancelled; 0 for other operations. In a catch block: error::current().transferred().
  [[nodiscard]] std::size_t transferred() const noexcept;
  void set_transferred(std::size_t bytes) noexcept;

  /// The errors that this one stands for: those of a join's other operations, in the order they arrived.
  [[nodiscard]] std::span<const error> suppressed() const noexcept;
  /// Adds one. Without memory it is dropped.
  void suppress(error other) noexcept;

  /// Did the operation end because its stop was requested, because its loop ended, or because a close cut it
  /// off? Such an error is silent: if no caller waits for the operation, it is not reported. Any other
  /// operation_canceled is an error like all the rest.
  [[nodiscard]] bool is_requested_cancellation() const noexcept {
    return number_.requested && !of_clean_up();
  }
  /// Records whether stop was requested of the failed operation. Ignored unless this is operation_canceled.
  void set_requested(bool requested) noexcept {
    number_.requested =
        requested && (category_ == &std::generic_category() ? number_.value == ECANCELED
                                                            : code() == std::errc::operation_canceled);
  }

  /// Why stop was requested of the operation, if it ended for that; otherwise stop_reason::none. Of several
  /// requests the innermost counts.
  [[nodiscard]] braid::stop_reason stop_reason() const noexcept { return number_.why; }
  /// Records why stop was requested of the failed operation, unless that is known. Ignored unless this is
  /// operation_canceled.
  void set_stop_reason(braid::stop_reason why) noexcept {
    if (number_.why == braid::stop_reason::none && *this == std::errc::operation_canceled) number_.why = why;
  }

  /// Is this the failure of a clean-up (finally), or is one in suppressed()? Combinators that drop the errors
  /// of their losers keep such an error.
  [[nodiscard]] bool of_clean_up() const noexcept { return number_.of_clean_up; }
  /// Marks this as the failure of a clean-up.
  void set_of_clean_up() noexcept;

  /// The error that threw this exception, if an error threw it.
  [[nodiscard]] static std::optional<error> behind(const std::exception_ptr& exception) noexcept;

  // Called by operator* of a result that holds this error: prints the error and aborts.
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
    braid::stop_reason why = braid::stop_reason::none;
  };
  record& own_record();
  // Takes the members one by one: taking the error's address would force it into memory.
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

/// A std::invalid_argument whose text is "call: why".
///
///     auto resize(std::size_t size) {
///       return just_from([size]() -> result<std::size_t> {
///         if (size == 0) return invalid_argument_error("resize", "the size is 0");
///         return size;
///       });
///     }
[[nodiscard]] error invalid_argument_error(const char* call, const char* why) noexcept;
/// A std::logic_error whose text is what.
///
///     auto not_open() { return just_error<void>(misuse_error("connection: it is not open")); }
[[nodiscard]] error misuse_error(const char* what) noexcept;

}  // namespace braid

template <>
struct std::is_error_code_enum<braid::errc> : std::true_type {};
