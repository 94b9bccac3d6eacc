#pragma once

#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/join_child.hpp"
#include "braid/combine/detail/scope_join.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

template <class Handle, class F>
struct scope_body {
  F* fn;
  Handle* within;
  decltype(auto) operator()() const { return (*fn)(*within); }
};
template <class Handle, class F>
auto body_sender(scope_body<Handle, F> body) {
  if constexpr (sender<std::invoke_result_t<F&, Handle&>>)
    return defer(body);
  else
    return just_from(body);
}
template <class Handle, class F>
using body_of = decltype(body_sender(std::declval<scope_body<Handle, F>>()));

// The operation of with_scope and its kin: the function, which gets a Handle on the scope, and the children.
template <class Handle, class F, class R>
class scope_state_of : public scope_join {
 public:
  using value_type = value_of<body_of<Handle, F>>;

  void start() noexcept {
    if (!open(receiver_.get_stop_token(), receiver_.frame()))
      return std::move(receiver_).finish(no_loop_error(name_));
    body_.start();
    release();
  }

  void on_finish(const result<value_type>& body, std::size_t) noexcept {
    if (!body) body_failed(body.error());
    on_body_end();
  }

 protected:
  scope_state_of(F fn, R receiver, const char* name)
      : name_(name),
        fn_(std::move(fn)),
        receiver_(std::move(receiver)),
        body_(*this, 0, body_sender(scope_body<Handle, F>{&fn_, &handle_})) {}
  ~scope_state_of() { abandon(); }
  [[nodiscard]] Handle& handle() noexcept { return handle_; }
  /// Ends the operation before it has begun.
  void refuse(error why) noexcept { std::move(receiver_).finish(std::move(why)); }

 private:
  virtual void on_body_end() noexcept {}
  void finish_receiver() noexcept override {
    R receiver = std::move(receiver_);
    if (failures().any()) return std::move(receiver).finish(std::move(failures()).first());
    result<value_type> ended = std::move(body_.ended_result());
    if (ended && cut_short()) ended = error(std::make_error_code(std::errc::operation_canceled), name_);
    if (!ended && stopped_by_request()) ended.error().set_requested(true);
    std::move(receiver).finish(std::move(ended));
  }

  const char* name_;
  F fn_;
  R receiver_;
  Handle handle_{*this};
  join_child<scope_state_of, body_of<Handle, F>> body_;
};

}  // namespace braid::detail
