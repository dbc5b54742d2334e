// The SQL type lockstep.row_image: to everyone who looks, the JSON object that it stands for.

#include "row_image.hpp"

LOCKSTEP_SQL_FUNCTION(lockstep_row_image_in)
LOCKSTEP_SQL_FUNCTION(lockstep_row_image_out)
LOCKSTEP_SQL_FUNCTION(lockstep_row_image_recv)
LOCKSTEP_SQL_FUNCTION(lockstep_row_image_send)
LOCKSTEP_SQL_FUNCTION(lockstep_row_image_to_jsonb)
LOCKSTEP_SQL_FUNCTION(lockstep_row_image_of_jsonb)

using namespace lockstep;

namespace
{

varlena *image_of(Datum jsonb)
{
	Jsonb *object = DatumGetJsonbP(jsonb);
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR, errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			errmsg("a row image must be a JSON object, whose members are the row's columns"));
	return image_of_object(object);
}

Datum jsonb_of(Datum image)
{
	return JsonbPGetDatum(image_to_jsonb(image));
}

} // namespace

extern "C" Datum lockstep_row_image_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(image_of(DirectFunctionCall1(jsonb_in, PG_GETARG_DATUM(0))));
}

extern "C" Datum lockstep_row_image_out(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(jsonb_out, jsonb_of(PG_GETARG_DATUM(0)));
}

extern "C" Datum lockstep_row_image_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(image_of(DirectFunctionCall1(jsonb_recv, PG_GETARG_DATUM(0))));
}

extern "C" Datum lockstep_row_image_send(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(jsonb_send, jsonb_of(PG_GETARG_DATUM(0)));
}

/// Cast to jsonb.
extern "C" Datum lockstep_row_image_to_jsonb(PG_FUNCTION_ARGS)
{
	return jsonb_of(PG_GETARG_DATUM(0));
}

/// Cast from jsonb.
extern "C" Datum lockstep_row_image_of_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(image_of(PG_GETARG_DATUM(0)));
}
