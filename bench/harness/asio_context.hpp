#pragma once

#include <cstdint>
#include <exception>
#include <utility>  // before Asio: the one of Boost 1.74 uses it unasked

#ifdef __clang__  // of whose standard coroutines that one has not heard
#define BOOST_ASIO_HAS_CO_AWAIT 1
#define BOOST_ASIO_HAS_STD_COROUTINE 1
#endif
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bench {

/// What the asio styles run on: an io_context that is told that one thread runs it.
struct asio_context : boost::asio::io_context {
  asio_context() : io_context(1) {}

  /// Until there is no work left.
  void drain() {
    run();
    restart();
  }

  /// Runs coroutines, side by side, to their end. What one of them throws is thrown from here.
  template <class... Coroutine>
  void run_all(Coroutine... all) {
    const auto loud = [](const std::exception_ptr& failure) {
      if (failure) std::rethrow_exception(failure);
    };
    (boost::asio::co_spawn(*this, std::move(all), loud), ...);
    drain();
  }
};

}  // namespace bench
