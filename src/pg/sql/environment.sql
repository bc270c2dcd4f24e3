-- Superuser. Environment of the postmaster, only the variables named in the session's own setting extop.environment: no
-- other leaves the server. In the escape format a backslash is doubled; written as an octal, too, it leaves every
-- remaining backslash to begin an octal, and \000 to be the end of a variable alone.
WITH postmaster AS (
  SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int AS pid
), variables AS (
  SELECT unnest(string_to_array(replace(encode(pg_read_binary_file('/proc/' || pid || '/environ'), 'escape'), '\\', '\134'), '\000')) AS variable
    FROM postmaster
), wanted AS (
  SELECT unnest(string_to_array(current_setting('extop.environment'), ',')) AS name
)
SELECT coalesce(jsonb_object_agg(name, convert_from(decode(substr(variable, length(name) + 2), 'escape'), 'UTF8')), '{}')::text
  FROM wanted JOIN variables ON starts_with(variable, name || '=')
