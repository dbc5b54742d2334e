#pragma once

#include <string>

namespace lockstep
{

/// A random UUID (version 4), from the system's source of randomness. Thread-safe.
std::string random_uuid();

} // namespace lockstep
