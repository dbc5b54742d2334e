#pragma once

#include <string_view>

namespace lockstep::wire
{

/// Is `text` well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF)?
bool valid_utf8(std::string_view text);

} // namespace lockstep::wire
