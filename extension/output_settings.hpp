// Fixed settings while values are written as text: an image is the same whatever the writer's session has set.
#pragma once

#include "pg/server.hpp"

namespace lockstep
{

/// Puts the settings that output functions look at to fixed values, and back.
/// Plain variables on purpose: going through the GUC machinery would cost more than the image.
struct OutputSettings {
	int date_style;
	int date_order;
	int interval_style;
	int bytea_style;
	int float_digits;
	bool quote_all;
	pg_tz *zone;

	static OutputSettings fix()
	{
		static pg_tz *utc = nullptr;
		if (!utc)
			utc = pg_tzset("GMT"); // built in: reads no file
		OutputSettings saved{DateStyle, DateOrder, IntervalStyle, bytea_output, extra_float_digits,
			quote_all_identifiers, session_timezone};
		DateStyle = USE_ISO_DATES;
		DateOrder = DATEORDER_YMD;
		IntervalStyle = INTSTYLE_POSTGRES;
		bytea_output = BYTEA_OUTPUT_HEX;
		extra_float_digits = 1;
		quote_all_identifiers = false;
		session_timezone = utc;
		return saved;
	}

	void restore() const
	{
		DateStyle = date_style;
		DateOrder = date_order;
		IntervalStyle = interval_style;
		bytea_output = bytea_style;
		extra_float_digits = float_digits;
		quote_all_identifiers = quote_all;
		session_timezone = zone;
	}
};

} // namespace lockstep
