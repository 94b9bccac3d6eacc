// The headers that most tests include, compiled once a room: parsing them takes a third of the time of a
// small test. They hide no missing include in a public header, since `headers` compiles each of those alone.

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

#include <braid/braid.hpp>

#include <chrono>
#include <string>
#include <vector>
