// The settings (GUCs) of lockstep.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

enum DoorbellMode { doorbell_auto, doorbell_transaction, doorbell_off };

struct Settings {
	char *actor;
	char *client;
	char *reason;
	int doorbell;        // DoorbellMode
	int log_buffer_size; // kB
	int max_databases;

	/// Grows whenever actor, client or reason may have changed.
	uint64 context_generation;
};

extern Settings settings;

void define_settings();

} // namespace lockstep
