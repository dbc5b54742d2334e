// What the server calls when it loads the library.

#include "doorbell.hpp"
#include "log_buffer.hpp"
#include "log_catalog.hpp"
#include "pg/server.hpp"
#include "relation_info.hpp"
#include "segment_list.hpp"
#include "sequence.hpp"
#include "settings.hpp"
#include "worker.hpp"

extern "C" {
PG_MODULE_MAGIC;
PGDLLEXPORT void _PG_init(void);
}

extern "C" void _PG_init(void)
{
	lockstep::define_settings();
	lockstep::register_log_catalog_callbacks();
	lockstep::register_segment_list_callbacks();
	lockstep::register_relation_info_callbacks();
	lockstep::register_log_buffer_callbacks();
	if (process_shared_preload_libraries_in_progress) {
		lockstep::reserve_bell_board();
		lockstep::reserve_number_pools();
		lockstep::register_launcher();
	}
	lockstep::install_utility_hook();
}
