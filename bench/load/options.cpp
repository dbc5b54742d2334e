#include "options.hpp"

#include "writer.hpp"

#include <charconv>
#include <map>
#include <set>

namespace lockstep::bench
{

namespace
{

template <class Number> bool parse_number(const std::string &text, Number &number)
{
	const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
	return problem == std::errc{} && end == text.data() + text.size() && number > Number{0};
}

bool store(const std::string &name, const std::string &value, Options &options)
{
	if (name == "--db")
		options.db = value;
	else if (name == "--table")
		options.target.table = value;
	else if (name == "--statement")
		options.statement = value;
	else if (name == "--since")
		options.since = value;
	else if (name == "--place-column")
		options.place_column = value;
	else if (name == "--port")
		return parse_number(value, options.target.port);
	else if (name == "--rate")
		return parse_number(value, options.rate);
	else if (name == "--seconds")
		return parse_number(value, options.seconds);
	else if (name == "--warmup")
		return parse_number(value, options.warmup);
	else if (name == "--clients")
		return parse_number(value, options.clients);
	else if (name == "--threads")
		return parse_number(value, options.threads);
	else if (name == "--writers")
		return parse_number(value, options.writers);
	else if (name == "--changes")
		return parse_number(value, options.changes);
	else if (name == "--window")
		return parse_number(value, options.window);
	return true;
}

struct Usage {
	Options::Mode mode;
	std::set<std::string> needed;
	std::set<std::string> also;
};

const std::map<std::string, Usage> usages = {
	{"latency",
		{Options::Mode::latency, {"--db", "--port", "--table", "--clients", "--rate", "--seconds"},
			{"--warmup", "--threads", "--changes", "--writers"}}},
	{"saturate",
		{Options::Mode::saturate, {"--db", "--port", "--table", "--clients", "--window", "--seconds"},
			{"--warmup", "--threads", "--changes", "--writers"}}},
	{"idle", {Options::Mode::idle, {"--port", "--table", "--clients"}, {"--threads"}}},
	{"read", {Options::Mode::read, {"--db", "--statement", "--since", "--place-column"}, {}}},
};

} // namespace

std::string parse_options(const std::vector<std::string> &arguments, Options &options)
{
	const auto usage = arguments.empty() ? usages.end() : usages.find(arguments[0]);
	if (usage == usages.end())
		return "the first argument is latency, saturate, idle or read";
	options.mode = usage->second.mode;
	std::set<std::string> missing = usage->second.needed;
	for (std::size_t i = 1; i < arguments.size(); i += 2) {
		const std::string &name = arguments[i];
		if (!usage->second.needed.contains(name) && !usage->second.also.contains(name))
			return "unknown option \"" + name + "\" for " + arguments[0];
		if (i + 1 == arguments.size())
			return name + " needs a value";
		if (!store(name, arguments[i + 1], options))
			return "invalid value for " + name + ": \"" + arguments[i + 1] + "\"";
		missing.erase(name);
	}
	if (!missing.empty())
		return *missing.begin() + " is needed";
	if (options.changes * options.writers > written_rows)
		return "the writers' transactions together change more than " + std::to_string(written_rows) +
			" rows";
	if (options.mode == Options::Mode::saturate && options.window < options.changes)
		return "the window is smaller than a transaction";
	return {};
}

} // namespace lockstep::bench
