// What the sources include, compiled once where the tests are built as well. Without them the library is
// built as it is, so that no source lives on what another one includes.

#include "braid/braid.hpp"
