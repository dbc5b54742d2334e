# awk -f extension/upgrade/assemble.awk extension/upgrade/OLD--NEW.sql extension/install/*.sql: the script that leads from OLD to NEW.
#
# First OLD--NEW.sql, in which a line "-- @whole NAME.sql" stands for that part of the install script, where all of it is new. Then of the other
# parts the statements that may be run again in a database that has an earlier version, with CREATE made CREATE OR REPLACE. What cannot be (tables, types,
# sequences, indexes, triggers) OLD--NEW.sql has by hand.
FNR == 1 { name = FILENAME; sub(/.*\//, "", name) }
NR == FNR && $1 == "--" && $2 == "@whole" {
	part = "extension/install/" $3
	while ((got = (getline line <part)) > 0)
		print line
	if (got < 0) {
		print FILENAME ": there is no " part >"/dev/stderr"
		exit 1
	}
	whole[$3] = 1
	next
}
NR == FNR { print; next }
name in whole { next }
statement == "" && /^(--|$|\\)/ { next }
{
	statement = statement $0 "\n"
	quotes += gsub(/\$\$/, "&", $0)
	if (quotes % 2 || $0 !~ /;([ \t]*--.*)?$/)
		next
	if (statement ~ /^(COMMENT|GRANT|REVOKE|DO) / || sub(/^CREATE FUNCTION/, "CREATE OR REPLACE FUNCTION", statement) || \
		sub(/^CREATE VIEW/, "CREATE OR REPLACE VIEW", statement))
		printf "%s", statement
	statement = ""
	quotes = 0
}
