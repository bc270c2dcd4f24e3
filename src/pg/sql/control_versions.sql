-- Superuser. The default version and the library that each control file outside the installation names, and each copy of
-- one inside. A library with a directory of its own is not looked for on the path, so it is left out.
-- Read as bytes, because a control file need not be text in the database's encoding.
WITH elements AS (
  SELECT position, element,
         CASE element WHEN '$system' THEN (SELECT setting FROM pg_config WHERE name = 'SHAREDIR') ELSE element END || '/extension' AS directory
    FROM unnest(string_to_array(coalesce(nullif(current_setting('extension_control_path'), ''), '$system'), ':')) WITH ORDINALITY AS path (element, position)
   WHERE element <> ''
), directories AS MATERIALIZED (
  SELECT position, element, directory
    FROM elements
   WHERE starts_with(directory, '/') AND (pg_stat_file(directory, true)).isdir
), files AS MATERIALIZED (
  SELECT position, element, left(file, -8) AS name, directory || '/' || file AS path, count(*) OVER (PARTITION BY file) AS copies
    FROM directories, LATERAL pg_ls_dir(directory, true, false) AS file
   WHERE file LIKE '%.control' AND file NOT LIKE '%--%'
), texts AS MATERIALIZED (
  SELECT position, name, encode(pg_read_binary_file(path, 0, 65536, true), 'escape') AS text
    FROM files
   WHERE (element <> '$system' OR copies > 1) AND NOT (pg_stat_file(path, true)).isdir
), versions AS (
  SELECT position, name, regexp_match(text, '(?n)^\s*default_version\s*=?\s*(?:''([^'']*)''|([^\s''#]+))') AS version,
         regexp_match(text, '(?n)^\s*module_pathname\s*=?\s*''?(?:\$libdir/)?([^\s''#/]+)''?\s*(?:#.*)?$') AS module
    FROM texts
)
SELECT coalesce(jsonb_agg(jsonb_build_object('position', position, 'name', name, 'default_version', coalesce(version[1], version[2]),
                                             'module', module[1]) ORDER BY position, name), '[]')::text
  FROM versions
 WHERE version IS NOT NULL OR module IS NOT NULL
