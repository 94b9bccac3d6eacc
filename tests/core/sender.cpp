#include "braid/core/sender.hpp"

#include <memory>
#include <string>

#include "braid/core/awaitable.hpp"
#include "braid/core/just.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::recorder;

struct no_tag {
  using value_type = int;
};
struct no_value_type {
  using sender_concept = sender_tag;
};
struct throwing_receiver {
  void finish(result<int>) && {}
  stop_token get_stop_token() const noexcept { return {}; }
  async_frame* frame() const noexcept { return nullptr; }
};
struct returns_no_sender {
  int operator()() const { return 1; }
};
struct wants_an_argument {
  auto operator()(int n) const { return just(n); }
};
struct makes_just {
  auto operator()() const { return just(1); }
};

static_assert(sender<decltype(just(1))>);
static_assert(sender<decltype(just(std::make_unique<int>(1)))&&>);
static_assert(!sender<int> && !sender<no_tag> && !sender<no_value_type>);
static_assert(std::is_same_v<value_of<decltype(just(1))>, int>);
static_assert(std::is_same_v<value_of<decltype(just())>, void>);

static_assert(receiver_of<recorder<int>::receiver, int>);
static_assert(receiver_of<recorder<void>::receiver, void>);
static_assert(!receiver_of<recorder<std::string>::receiver, recorder<int>>);
static_assert(!receiver_of<throwing_receiver, int>);

using state = connected<decltype(just(1)), recorder<int>::receiver>;
static_assert(operation_state<state>);
static_assert(!operation_state<int>);

static_assert(sender_factory<makes_just> && sender_or_factory<makes_just>);
static_assert(!sender_factory<returns_no_sender> && !sender_factory<wants_an_argument>);
static_assert(!sender_factory<decltype(just(1))> && sender_or_factory<decltype(just(1))>);

TEST_CASE("connect: nothing begins before start, and the receiver is finished once", "[core][sender]") {
  int calls = 0;
  recorder<int> heard;
  auto op = connect(just_from([&] { return ++calls; }), heard.get_receiver());
  CHECK(calls == 0);
  CHECK(heard.times == 0);
  op.start();
  CHECK(calls == 1);
  CHECK(heard.times == 1);
  CHECK(**heard.ended == 1);
}

TEST_CASE("connect: an operation that is never started never finishes", "[core][sender]") {
  const auto owned = std::make_shared<int>(1);
  recorder<std::shared_ptr<int>> heard;
  {
    auto op = connect(just(owned), heard.get_receiver());
    CHECK(owned.use_count() == 2);
  }
  CHECK(owned.use_count() == 1);
  CHECK(heard.times == 0);
}

}  // namespace
