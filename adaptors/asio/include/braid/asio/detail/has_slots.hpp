#pragma once

#include <boost/version.hpp>

// From Boost 1.77 on an operation of Asio can be cancelled alone: its handler has a cancellation slot.
#if BOOST_VERSION >= 107700
#define BRAID_ASIO_HAS_SLOTS 1
#else
#define BRAID_ASIO_HAS_SLOTS 0
#endif
