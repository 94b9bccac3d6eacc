// What most tests include, compiled once a room: parsing it takes a third of the time of a small test.
// It hides no missing include of a public header: `headers` compiles each of them alone.

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

#include <braid/braid.hpp>

#include <chrono>
#include <string>
#include <vector>
