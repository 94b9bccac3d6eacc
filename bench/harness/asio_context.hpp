#pragma once

#include <cstdint>
#include <exception>
#include <utility>  // before Asio, which in Boost 1.74 uses it without including it

#ifdef __clang__  // Boost 1.74 does not know clang's standard coroutines
#define BOOST_ASIO_HAS_CO_AWAIT 1
#define BOOST_ASIO_HAS_STD_COROUTINE 1
#endif
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bench {

/// The io_context of the asio styles, which knows that one thread runs it.
struct asio_context : boost::asio::io_context {
  asio_context() : io_context(1) {}

  /// Runs until there is no work left.
  void drain() {
    run();
    restart();
  }

  /// Runs coroutines, side by side, to their end, and throws what one of them throws.
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
