#include "settings.hpp"

namespace lockstep
{

Settings settings;

namespace
{

const config_enum_entry doorbell_modes[] = {
	{"auto", doorbell_auto, false},
	{"transaction", doorbell_transaction, false},
	{"off", doorbell_off, false},
	{nullptr, 0, false},
};

const config_enum_entry log_full_modes[] = {
	{"drop_oldest", log_full_drop_oldest, false},
	{"refuse", log_full_refuse, false},
	{nullptr, 0, false},
};

constexpr int max_context_length = 16384;

void context_changed(const char *, void *)
{
	++settings.context_generation;
}

/// What is written down about a change must be text that every reader can read.
bool check_context(char **value, void **, GucSource)
{
	if (!*value)
		return true;
	const int length = static_cast<int>(strlen(*value));
	if (length > max_context_length) {
		GUC_check_errdetail("The value has %d bytes; at most %d are kept.", length, max_context_length);
		return false;
	}
	if (!pg_verifymbstr(*value, length, true)) {
		GUC_check_errdetail("The value is not valid in the database's encoding.");
		return false;
	}
	return true;
}

void define_context_setting(const char *name, char **variable, const char *summary, const char *detail)
{
	DefineCustomStringVariable(
		name, summary, detail, variable, "", PGC_USERSET, 0, check_context, context_changed, nullptr);
}

} // namespace

void define_settings()
{
	define_context_setting("lockstep.actor", &settings.actor,
		"The person or program responsible for what this session changes.",
		"Empty: the session user. Claimed, not verified.");
	define_context_setting("lockstep.client", &settings.client,
		"The logical session of the actor: a browser tab, a job.", nullptr);
	define_context_setting(
		"lockstep.reason", &settings.reason, "Why this session changes what it changes.", nullptr);
	DefineCustomEnumVariable("lockstep.doorbell", "How readers learn of new changes.",
		"\"auto\": by the lockstep worker where the library is preloaded, else readers poll. "
		"\"transaction\": each transaction notifies by itself where no worker can. \"off\": readers poll.",
		&settings.doorbell, doorbell_auto, doorbell_modes, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	DefineCustomIntVariable("lockstep.log_buffer_size",
		"Memory for changes that wait to be written to the log.",
		"Per (sub-)transaction; what is larger is written before commit.", &settings.log_buffer_size, 1024,
		64, 1024 * 1024, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
	DefineCustomIntVariable("lockstep.segment_size",
		"Size at which a segment of the log is followed by the next.",
		"A quarter of lockstep.max_log_size, if that is less.", &settings.segment_size, 256 * 1024, 64,
		INT_MAX, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
	DefineCustomIntVariable("lockstep.segment_age",
		"Age at which a segment of the log is followed by the next.",
		"A quarter of lockstep.log_retention, if that is less. An empty segment stays.",
		&settings.segment_age, 24 * 60 * 60, 1, INT_MAX, PGC_SUSET, GUC_UNIT_S, nullptr, nullptr, nullptr);
	DefineCustomIntVariable("lockstep.log_retention", "How long changes are kept in the log at least.",
		"-1: forever.", &settings.log_retention, -1, -1, INT_MAX, PGC_SUSET, GUC_UNIT_S, nullptr, nullptr,
		nullptr);
	DefineCustomIntVariable("lockstep.max_log_size",
		"Size of the log on disk at which lockstep.log_full applies.", "-1: no limit.",
		&settings.max_log_size, -1, -1, INT_MAX, PGC_SUSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
	DefineCustomEnumVariable("lockstep.log_full", "What happens when the log reaches lockstep.max_log_size.",
		"\"drop_oldest\": the oldest segments are dropped, and readers that still needed them read the "
		"tables anew. "
		"\"refuse\": tracked tables cannot be written to.",
		&settings.log_full, log_full_drop_oldest, log_full_modes, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	DefineCustomIntVariable("lockstep.lock_patience",
		"How long track(), untrack() and DROP EXTENSION try to lock tables that others use.",
		"Each attempt is short, so that others wait no longer than for that.", &settings.lock_patience, 60000,
		0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, nullptr, nullptr, nullptr);
	// It sizes shared memory: only known where that can still be reserved, as the server refuses to define it later.
	if (process_shared_preload_libraries_in_progress)
		DefineCustomIntVariable("lockstep.max_databases",
			"How many databases of this server can use the doorbell.", nullptr, &settings.max_databases, 64,
			1, 10000, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
	MarkGUCPrefixReserved("lockstep");
}

} // namespace lockstep
