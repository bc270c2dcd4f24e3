-- Superuser. Names of control files and libraries per path element, which copy counts, and the directories that do not
-- exist. No file is opened here: one that cannot be read must not hide the names of the others.
WITH elements AS (
  SELECT 'control' AS kind, position, element,
         CASE element WHEN '$system' THEN (SELECT setting FROM pg_config WHERE name = 'SHAREDIR') ELSE element END || '/extension' AS directory
    FROM unnest(string_to_array(coalesce(nullif(current_setting('extension_control_path'), ''), '$system'), ':')) WITH ORDINALITY AS path (element, position)
   WHERE element <> ''
  UNION ALL
  SELECT 'library', position, element,
         CASE WHEN element = '$libdir' OR starts_with(element, '$libdir/')
              THEN (SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR') || substr(element, 8) ELSE element END
    FROM unnest(string_to_array(current_setting('dynamic_library_path'), ':')) WITH ORDINALITY AS path (element, position)
   WHERE element <> ''
), directories AS MATERIALIZED (
  SELECT kind, position, element, directory, (pg_stat_file(directory, true)).isdir AS there
    FROM elements
   WHERE starts_with(directory, '/')
), files AS (
  SELECT kind, position, element, left(file, CASE kind WHEN 'control' THEN -8 ELSE -3 END) AS name
    FROM directories, LATERAL pg_ls_dir(directory, true, false) AS file
   WHERE there
     AND (kind = 'control' AND file LIKE '%.control' AND file NOT LIKE '%--%' OR kind = 'library' AND file LIKE '%.so')
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY kind, name ORDER BY position) AS rank, count(*) OVER (PARTITION BY kind, name) AS copies
    FROM files
)
SELECT jsonb_build_object(
         'files', coalesce((SELECT jsonb_agg(jsonb_build_object('kind', kind, 'position', position, 'element', element, 'name', name,
                                                                'rank', rank, 'copies', copies) ORDER BY kind, position, name)
                              FROM ranked), '[]'),
         'missing', coalesce((SELECT jsonb_agg(directory ORDER BY kind, position) FROM directories WHERE there IS NOT TRUE), '[]')
       )::text
