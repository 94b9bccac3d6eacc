#pragma once

#include "braid/loop/loop.hpp"

/// The paths whose instructions are counted. Each does so many operations and says how many it did. One
/// source for each few of them: a compiler inlines less where there is more.
namespace instructions {

long call(braid::loop& here, long times);
long ready(braid::loop& here, long times);
long yields(braid::loop& here, long times);
long nops(braid::loop& here, long times);
long stoppable_nops(braid::loop& here, long times);
long fiber_switch(braid::loop& here, long times);
long then(braid::loop& here, long times);
long spawns(braid::loop& here, long times);
long starts(braid::loop& here, long times);
long through_channel(braid::loop& here, long times);
long locks(braid::loop& here, long times);
long among_hosts(braid::loop& here, long times);
// All at once.
long timers(braid::loop& here, long times);
long any_of(braid::loop& here, long times);
long mutex_queue(braid::loop& here, long times);

}  // namespace instructions
