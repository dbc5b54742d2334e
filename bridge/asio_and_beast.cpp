// The parts of Asio and Beast that are no templates, compiled once (BOOST_ASIO_SEPARATE_COMPILATION).
#include <utility>

#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
