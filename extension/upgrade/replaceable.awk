# Of the install script's parts: the statements that may be run again in a database that has an earlier version, with CREATE made CREATE OR
# REPLACE. What cannot be (tables, types, sequences, indexes, triggers) each version's file in extension/upgrade/ has by hand.
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
