// The registry of lockstep's own error codes. A program branches on these; everything else uses PostgreSQL's.
#pragma once

#include "pg/server.hpp"

#define ERRCODE_LOCKSTEP_VERSION_CONFLICT MAKE_SQLSTATE('L', 'S', '0', '0', '1')
// LS003 (lock lost) comes with record locks.
#define ERRCODE_LOCKSTEP_POSITION_NOT_COVERED MAKE_SQLSTATE('L', 'S', '0', '0', '4')
#define ERRCODE_LOCKSTEP_IMPOSSIBLE_VERSION MAKE_SQLSTATE('L', 'S', '0', '0', '5')
// LS006 (a write without a version) comes with `unversioned => 'reject'`.
