-- Superuser. The directories of image volumes in LD_LIBRARY_PATH and PATH of the postmaster that do not exist; nothing else
-- of its environment. Whether one of another place is there may not be told.
WITH postmaster AS (
  SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)::int AS pid
), variables AS (
  SELECT unnest(string_to_array(encode(pg_read_binary_file('/proc/' || pid || '/environ'), 'escape'), '\000')) AS variable
    FROM postmaster
), elements AS (
  SELECT DISTINCT unnest(string_to_array(substr(variable, strpos(variable, '=') + 1), ':')) AS element
    FROM variables
   WHERE starts_with(variable, 'LD_LIBRARY_PATH=') OR starts_with(variable, 'PATH=')
)
SELECT coalesce(jsonb_agg(element ORDER BY element), '[]')::text
  FROM elements
 WHERE starts_with(element, '/extensions/') AND (pg_stat_file(element, true)).isdir IS NOT TRUE
