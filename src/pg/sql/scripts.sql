-- Superuser. The libraries that the scripts of control files outside the installation name: those that install the default
-- version, as CREATE EXTENSION runs them, without comments. A library that a control file alone names is needed by nobody.
-- A script is read only where it may name a library that is not on the path. A library with a directory of its own is not
-- looked for there, so it is left out. Read as bytes, because a script need not be text in the database's encoding.
WITH elements AS (
  SELECT position, element,
         CASE element WHEN '$system' THEN (SELECT setting FROM pg_config WHERE name = 'SHAREDIR') ELSE element END AS share
    FROM unnest(string_to_array(coalesce(nullif(current_setting('extension_control_path'), ''), '$system'), ':')) WITH ORDINALITY AS path (element, position)
   WHERE element <> ''
), places AS (
  SELECT CASE WHEN element = '$libdir' OR starts_with(element, '$libdir/')
              THEN (SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR') || substr(element, 8) ELSE element END AS directory
    FROM unnest(string_to_array(current_setting('dynamic_library_path'), ':')) AS path (element)
), libraries AS MATERIALIZED (
  SELECT DISTINCT file
    FROM places, LATERAL pg_ls_dir(directory, true, false) AS file
   WHERE starts_with(directory, '/') AND (pg_stat_file(directory, true)).isdir AND file LIKE '%.so'
), controls AS MATERIALIZED (
  SELECT position, share, left(file, -8) AS name, encode(pg_read_binary_file(share || '/extension/' || file, 0, 65536, true), 'escape') AS text
    FROM elements, LATERAL pg_ls_dir(share || '/extension', true, false) AS file
   WHERE starts_with(share, '/') AND element <> '$system' AND (pg_stat_file(share || '/extension', true)).isdir
     AND file LIKE '%.control' AND file NOT LIKE '%--%' AND NOT (pg_stat_file(share || '/extension/' || file, true)).isdir
), named AS (
  SELECT position, name, share,
         regexp_match(text, '(?n)^\s*directory\s*=?\s*(?:''([^'']*)''|([^\s''#]+))') AS directory,
         regexp_match(text, '(?n)^\s*default_version\s*=?\s*(?:''([^'']*)''|([^\s''#]+))') AS version,
         (regexp_match(text, '(?n)^\s*module_pathname\s*=?\s*''?(?:\$libdir/)?([^\s''#/]+)''?\s*(?:#.*)?$'))[1] AS module
    FROM controls
), wanted AS (
  SELECT position, name, module, coalesce(version[1], version[2]) AS version,
         CASE WHEN directory IS NULL THEN share || '/extension'
              WHEN starts_with(coalesce(directory[1], directory[2]), '/') THEN coalesce(directory[1], directory[2])
              ELSE share || '/' || coalesce(directory[1], directory[2]) END AS directory
    FROM named
   WHERE module IS NULL OR (module NOT IN (SELECT file FROM libraries) AND module || '.so' NOT IN (SELECT file FROM libraries))
), scripts AS MATERIALIZED (
  SELECT position, name, module, directory || '/' || file AS path, file = name || '--' || version || '.sql' AS installs,
         bool_or(file = name || '--' || version || '.sql') OVER (PARTITION BY position, name) AS is_direct
    FROM wanted, LATERAL pg_ls_dir(directory, true, false) AS file
   WHERE (pg_stat_file(directory, true)).isdir AND starts_with(file, name || '--') AND file LIKE '%.sql'
), texts AS MATERIALIZED (
  SELECT position, name, module, encode(pg_read_binary_file(path, 0, 2097152, true), 'escape') AS text
    FROM scripts
   WHERE (installs OR is_direct IS NOT TRUE) AND NOT (pg_stat_file(path, true)).isdir
), lines AS (
  SELECT position, name, module, regexp_replace(text, '--[^\n]*', '', 'g') AS text
    FROM texts
   WHERE strpos(text, 'MODULE_PATHNAME') > 0 OR strpos(text, '$libdir/') > 0
), found AS (
  SELECT position, name, module AS library FROM lines WHERE module IS NOT NULL AND strpos(text, 'MODULE_PATHNAME') > 0
  UNION
  SELECT position, name, word[1] FROM lines, LATERAL regexp_matches(text, '[''"$]\$libdir/([^\s''"$/]+)[''"$]', 'g') AS word
)
SELECT coalesce(jsonb_agg(jsonb_build_object('position', position, 'name', name, 'libraries', libraries) ORDER BY position, name), '[]')::text
  FROM (SELECT position, name, jsonb_agg(library ORDER BY library) AS libraries
          FROM found
         WHERE library NOT IN (SELECT file FROM libraries) AND library || '.so' NOT IN (SELECT file FROM libraries)
         GROUP BY position, name) AS missing
