#include "braid/net/incoming_bytes.hpp"

#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/detail/request_error.hpp"
#include "braid/net/stream.hpp"

namespace braid {

void leased_bytes::give_back() noexcept {
  pool_->check_thread("leased_bytes: it ends on another thread than its loop's");
  pool_->give_back(id_);
  pool_->leave();
}

namespace tcp::detail {

class byte_arrivals final : io_operation, public braid::detail::pooled {
 public:
  explicit byte_arrivals(const stream& from) noexcept
      : io_operation(arrived, what_), from_(&from), what_{.code = opcode::receive_many} {}

  // Gives the waiter what has arrived, or lets it wait.
  void hand_over_or_wait(byte_waiter& waiter) noexcept {
    loop& here = loop::current();
    if (waiter_ != nullptr) return fail(waiter, byte_waiter::second_next);
    if (pool_ == nullptr) {
      if (const int code = find_pool(here); code != 0) return fail(waiter, code);
    } else if (&pool_->home() != &here.operations()) {
      braid::detail::misused("incoming_bytes::next: this is not the loop of the first next");
    }
    if (held_ != 0) return hand_over(waiter, pop());
    if (ending_ != none) return fail(waiter, std::exchange(ending_, none));
    waiter_ = &waiter;
    waiter.waits_ = true;
    if (phase_ == phase::idle) ask();
  }

  // The one that waits does so no more.
  byte_waiter& take_waiter() noexcept {
    waiter_->waits_ = false;
    return *std::exchange(waiter_, nullptr);
  }
  // code: an errno, or second_next; 0 for the end.
  void fail(byte_waiter& waiter, int code) noexcept {
    waiter.descriptor_ = what_.descriptor;
    waiter.code_ = code;
    loop::current().operations().make_ready(waiter);
  }

  // The incoming_bytes is destroyed.
  void leave() noexcept {
    while (held_ != 0) pool_->give_back(pop());
    if (waiter_ != nullptr) fail(take_waiter(), ECANCELED);
    from_ = nullptr;
    if (phase_ == phase::asked) return pool_->home().cancel(*this);
    if (in_flight()) return;  // it was woken
    if (phase_ == phase::starved) pool_->forget(*this);
    end();
  }

 private:
  static constexpr unsigned most_held = 4;
  static constexpr unsigned most_refusals = 100;
  static constexpr std::int16_t none = -1;

  // starved: it waits for a free buffer. Once there is one it is in flight, as ready work.
  enum class phase : std::uint8_t { idle, asked, starved };

  [[nodiscard]] int find_pool(loop& here) noexcept try {
    pool_ = &here.operations().receive_buffers();
    pool_->join();
    return 0;
  } catch (const std::system_error& refused) {
    return refused.code().value();
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  }

  void ask() noexcept {
    phase_ = phase::asked;
    pausing_ = false;
    // read anew: the stream may have been closed, and its old number may belong to another descriptor
    what_.descriptor = from_->number();
    pool_->home().submit(*this);
  }

  static void arrived(operation_base& base, completion with) noexcept {
    auto& self = static_cast<byte_arrivals&>(static_cast<io_operation&>(base));
    if (self.phase_ == phase::starved) return self.has_buffer_again();
    if (!self.in_flight()) self.phase_ = phase::idle;
    if ((with.flags & completion::has_buffer) != 0) self.take(with);
    if (with.result <= 0 && self.phase_ == phase::idle) self.ended(-with.result);
    if (self.phase_ != phase::idle) return;
    if (self.waiter_ != nullptr) return self.ask();
    // It may have been woken for a buffer, which it did not need.
    if (with.result <= 0 && with.result != -ENOBUFS) self.pool_->wake_one();
    if (self.from_ == nullptr) self.end();
  }

  void has_buffer_again() noexcept {
    phase_ = phase::idle;
    if (waiter_ == nullptr) pool_->wake_one();
    if (from_ == nullptr) return end();
    if (waiter_ != nullptr) ask();
  }

  void end() noexcept {
    if (pool_ != nullptr) pool_->leave();
    delete this;
  }

  void take(completion with) noexcept {
    const std::uint16_t id = with.buffer();
    const std::size_t size = with.result > 0 ? static_cast<std::size_t>(with.result) : 0;
    pool_->received(id, size);
    refusals_ = 0;
    if (from_ == nullptr || size == 0) return pool_->give_back(id);
    pool_->about(id).size = static_cast<std::uint16_t>(size);
    if (waiter_ != nullptr) return hand_over(take_waiter(), id);
    (held_ == 0 ? first_ : pool_->about(last_).next) = id;
    last_ = id;
    if (++held_ < most_held || pausing_ || phase_ != phase::asked) return;
    pausing_ = true;
    pool_->home().cancel(*this);
  }

  void hand_over(byte_waiter& waiter, std::uint16_t id) noexcept {
    waiter.bytes_ = leased_bytes(*pool_, id, pool_->about(id).size);
    pool_->home().make_ready(waiter);
  }
  std::uint16_t pop() noexcept {
    --held_;
    return std::exchange(first_, pool_->about(first_).next);
  }

  // The request has ended, with an errno or the end of the stream.
  void ended(int code) noexcept {
    if (from_ == nullptr || code == EINTR || (code == ECANCELED && pausing_)) return;
    if (code == ENOBUFS) {
      if (waiter_ == nullptr) return;  // the next next() tries again
      const std::uint16_t before = std::exchange(received_by_all_, pool_->received_so_far());
      if (before != received_by_all_) refusals_ = 0;  // others were faster
      if (refusals_++ < most_refusals) return wait_for_buffer();
    }
    if (waiter_ != nullptr)
      fail(take_waiter(), code);
    else if (code != ECANCELED)
      ending_ = static_cast<std::int16_t>(code);  // for the next next(): the kernel says it only once
  }

  void wait_for_buffer() noexcept {
    if (pool_->may_try_again()) return;
    phase_ = phase::starved;
    pool_->await_buffer(*this);
  }

  const stream* from_;  // null once the incoming_bytes is destroyed
  braid::detail::buffer_pool* pool_ = nullptr;
  request what_;
  byte_waiter* waiter_ = nullptr;  // only while nothing is held
  std::uint16_t first_ = 0, last_ = 0, held_ = 0;  // the buffers that no next has taken
  std::int16_t ending_ = none;  // an errno that no next has got yet, or 0 for the end
  std::uint16_t received_by_all_ = 0;  // at the last refusal
  phase phase_ = phase::idle;
  bool pausing_ = false;  // the request was cancelled because enough is held
  std::uint8_t refusals_ = 0;  // how often in a row there was no buffer, although nobody got one
};

void leave_byte_arrivals::operator()(byte_arrivals* which) const noexcept { which->leave(); }

// Also called for a next that the loop destroys when it ends.
byte_waiter::~byte_waiter() {
  if (waits_) (void)from_->take_waiter();
  if (in_flight()) loop::current().operations().withdraw_ready(*this);
  drop();
}

void byte_waiter::ask() noexcept { from_->hand_over_or_wait(*this); }
result<byte_waiter::value> byte_waiter::ended() noexcept {
  if (code_ == second_next) return misuse_error("incoming_bytes: one next() at a time");
  if (code_ != 0)
    return braid::detail::request_error("incoming_bytes::next",
                                        {.code = opcode::receive_many, .descriptor = descriptor_}, code_);
  if (bytes_.size() == 0) return value();
  return value(std::move(bytes_));
}
void byte_waiter::on_stop(braid::cancellation& base) noexcept {
  auto& self = static_cast<byte_waiter&>(base);
  if (self.waits_) self.from_->fail(self.from_->take_waiter(), ECANCELED);  // else its result is on its way
}

}  // namespace tcp::detail

tcp::incoming_bytes::incoming_bytes(const stream& from) : arrivals_(new detail::byte_arrivals(from)) {}

}  // namespace braid
