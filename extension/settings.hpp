// The settings (GUCs) of lockstep.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

enum DoorbellMode { doorbell_auto, doorbell_transaction, doorbell_off };

enum LogFull { log_full_drop_oldest, log_full_refuse };

struct Settings {
	char *actor;
	char *client;
	char *reason;
	int doorbell;        // DoorbellMode
	int log_buffer_size; // kB
	int lock_patience;   // ms
	int max_databases;
	int segment_size;  // kB
	int segment_age;   // s
	int log_retention; // s; -1: forever
	int max_log_size;  // kB; -1: no limit
	int log_full;      // LogFull

	/// Grows whenever actor, client or reason may have changed.
	uint64 context_generation;
};

extern Settings settings;

void define_settings();

} // namespace lockstep
