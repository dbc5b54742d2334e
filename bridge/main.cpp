// lockstep-bridge: reads the change log of a database and sends each change to the browsers it concerns.
#include "base/log.hpp"
#include "bridge.hpp"
#include "settings/settings.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace
{

std::vector<std::pair<std::string, std::string>> environment_variables()
{
	std::vector<std::pair<std::string, std::string>> result;
	for (char **entry = environ; *entry != nullptr; ++entry) {
		const std::string text = *entry;
		const std::size_t equals = text.find('=');
		if (equals != std::string::npos)
			result.emplace_back(text.substr(0, equals), text.substr(equals + 1));
	}
	return result;
}

} // namespace

int main(int argc, char **argv)
{
	using namespace lockstep;
	std::signal(SIGPIPE, SIG_IGN); // who reads the log may go away
	try {
		const CommandLine command = read_settings({argv + 1, argv + argc}, environment_variables());
		if (!command.say.empty()) {
			std::fputs(command.say.c_str(), stdout);
			return EXIT_SUCCESS;
		}
		log::set_level(command.settings.log_level);
		Bridge bridge(command.settings);
		bridge.run();
	} catch (const SettingsError &error) {
		std::fprintf(stderr, "lockstep-bridge: %s\n", error.message.c_str());
		if (!error.hint.empty())
			std::fprintf(stderr, "%s\n", error.hint.c_str());
		return 2;
	} catch (const std::exception &error) {
		log::error("the bridge cannot go on", log::Field("error", error.what()));
		return EXIT_FAILURE;
	}
	// The connections are closed. What is left on the two kinds of threads refers to each other; nothing of it has to
	// be taken apart before the kernel does.
	std::_Exit(EXIT_SUCCESS);
}
