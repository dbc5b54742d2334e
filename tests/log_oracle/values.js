// Types of columns and their random values, as SQL literals.

export const types = {
	integer: (random) => String(random.int(-1000, 1000)),
	bigint: (random) => (random.chance(0.1) ? '9007199254740993' : String(random.int(-1e9, 1e9))),
	numeric: (random) => random.pick(["'NaN'", '1.500', '-0.00000000000000000001', '12345678901234567890.5', '1e40', String(random.int(0, 999) / 8)]),
	'double precision': (random) => `'${random.pick(['NaN', 'Infinity', '-Infinity', '0.1', '1e300', '123456789.123456789', String(random.int(0, 999) / 7)])}'`,
	real: (random) => `'${random.pick(['NaN', '0.1', '1e-20', String(random.int(0, 999) / 7)])}'`,
	boolean: (random) => random.pick(['true', 'false']),
	text: (random) => quote(random.word(random.chance(0.04) ? random.int(3000, 60000) : random.int(0, 30))),
	'character(7)': (random) => quote(random.word(random.int(0, 6)).replaceAll('\\', '')),
	bytea: (random) => `'\\x${random.int(0, 0xffffff).toString(16).padStart(6, '0').repeat(random.chance(0.03) ? 9000 : random.int(0, 3))}'`,
	'text[]': (random) => random.pick(["'{}'", `'{a,NULL,"b c","\\"q\\""}'`, "'{{x,y},{z,w}}'", "ARRAY['', 'ß']"]),
	'integer[]': (random) => `'{${Array.from({ length: random.int(0, 5) }, () => random.int(0, 9))}}'`,
	jsonb: (random) => quote(JSON.stringify({ n: random.int(0, 1e6), t: random.word(random.int(0, 9)), l: [1.5, null, true, {}] })),
	timestamptz: (random) => random.pick(["'infinity'", `'${moment(random)}+0${random.int(0, 9)}'`]),
	timestamp: (random) => random.pick(["'-infinity'", "'0044-03-15 12:00 BC'", `'${moment(random)}'`]),
	date: (random) => `'${moment(random).slice(0, 10)}'`,
	interval: (random) => random.pick([`'${random.int(-5, 5)} months ${random.int(0, 99)} days 03:04:05.6'`, "'-00:00:01'"]),
	uuid: (random) => `'${random.uuid()}'`,
	mood: (random) => `'${random.pick(['sad', 'ok', 'über glücklich'])}'`,
	positive: (random) => String(random.int(1, 1000)),
	pair: (random) => random.pick(['ROW(1, NULL)', `ROW(${random.int(0, 9)}, 'x,"y"')`, 'ROW(NULL, NULL)']),
	int4range: (random) => random.pick(["'empty'", "'(,)'", `'[${random.int(0, 9)},${random.int(10, 20)})'`]),
	inet: (random) => `'10.0.${random.int(0, 255)}.${random.int(0, 255)}/24'`,
	json: (random) => random.pick(['null', `'{"b":  ${random.int(0, 99)}.10, "a":"\\u00e4", "b": 2}'`, "'[1e3, -0.0]'"]),
}

/// Keys: few, so that writers meet.
export const keys = {
	integer: (random) => String(random.int(1, 60)),
	bigint: (random) => String(random.chance(0.05) ? 9007199254740993n + BigInt(random.int(0, 9)) : random.int(1, 60)),
	text: (random) => quote(`${random.pick(['a', 'B', 'ß', 'x y', '"q"', "it's"])}${random.int(0, 9)}`),
	uuid: (random) => `'00000000-0000-4000-8000-0000000000${random.int(10, 60)}'`,
	numeric: (random) => `${random.int(1, 60)}.5`,
	timestamptz: (random) => `'2026-01-01 00:${random.int(10, 59)}Z'`,
}

export function quote(text) {
	return `${text.includes('\\') ? 'E' : ''}'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

export function value(random, type) {
	return random.chance(0.15) ? 'NULL' : types[type](random)
}

function moment(random) {
	return `20${random.int(20, 29)}-0${random.int(1, 9)}-${random.int(10, 28)} 1${random.int(0, 9)}:30:00.${random.int(0, 999999)}`
}

/// How sessions may be set: images must not depend on it.
export const session_settings = {
	datestyle: ['ISO, MDY', 'German', 'SQL, DMY', 'Postgres, MDY'],
	timezone: ['UTC', 'Asia/Kolkata', 'America/St_Johns'],
	intervalstyle: ['postgres', 'iso_8601', 'sql_standard', 'postgres_verbose'],
	bytea_output: ['hex', 'escape'],
	extra_float_digits: ['1', '0', '-5', '3'],
}
