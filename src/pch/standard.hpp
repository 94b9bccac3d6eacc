// The standard headers that most sources include, compiled once where the tests are built as well. With
// braid's own it would be two and a half times as large, and take longer to load than most sources take to
// parse what they need.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>
