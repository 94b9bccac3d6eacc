#pragma once

#include <utility>

#include <braid/base/unique_function.hpp>
#include <braid/style/promise.hpp>

namespace stage {

/// The callback of an operation, called once with its result.
template <class T>
using handler = braid::unique_function<void(braid::result<T>)>;

/// The future of a function that takes a callback: calls begin(done) now.
template <class T, class F>
braid::future<T> called_back(F begin) {
  braid::promise<T> promise;
  braid::future<T> called = promise.get_future();
  begin(handler<T>([promise = std::move(promise)](braid::result<T> ended) mutable {
    if (!ended)
      promise.set_error(std::move(ended).error());
    else if constexpr (std::is_void_v<T>)
      promise.set_value();
    else
      promise.set_value(*std::move(ended));
  }));
  return called;
}

}  // namespace stage
