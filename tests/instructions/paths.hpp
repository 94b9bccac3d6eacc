#pragma once

#include "braid/loop/loop.hpp"

/// The paths whose instructions are counted. Each runs `times` operations and returns how many it ran. They
/// are spread over several sources, since a compiler inlines less in a large one.
namespace instructions {

long call(braid::loop& here, long times);
long ready(braid::loop& here, long times);
long yields(braid::loop& here, long times);
long task_local_reads(braid::loop& here, long times);
long nops(braid::loop& here, long times);
long stoppable_nops(braid::loop& here, long times);
long fiber_switch(braid::loop& here, long times);
long then(braid::loop& here, long times);
long spawns(braid::loop& here, long times);
long starts(braid::loop& here, long times);
long through_channel(braid::loop& here, long times);
long locks(braid::loop& here, long times);
long among_hosts(braid::loop& here, long times);
// These run all operations at once.
long timers(braid::loop& here, long times);
long any_of(braid::loop& here, long times);
long mutex_queue(braid::loop& here, long times);
long task_group(braid::loop& here, long times);

}  // namespace instructions
