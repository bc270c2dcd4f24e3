-- Superuser. The update scripts of control files outside the installation, as FROM--TO: by them a path is known from a version
-- that is installed elsewhere. Names alone are listed, no script is opened; PostgreSQL ignores a name of three versions.
WITH elements AS (
  SELECT position, element AS share
    FROM unnest(string_to_array(coalesce(nullif(current_setting('extension_control_path'), ''), '$system'), ':')) WITH ORDINALITY AS path (element, position)
   WHERE element <> '$system' AND starts_with(element, '/')
), controls AS MATERIALIZED (
  SELECT position, share, left(file, -8) AS name, encode(pg_read_binary_file(share || '/extension/' || file, 0, 65536, true), 'escape') AS text
    FROM elements, LATERAL pg_ls_dir(share || '/extension', true, false) AS file
   WHERE (pg_stat_file(share || '/extension', true)).isdir
     AND file LIKE '%.control' AND file NOT LIKE '%--%' AND NOT (pg_stat_file(share || '/extension/' || file, true)).isdir
), named AS (
  SELECT position, share, name, regexp_match(text, '(?n)^\s*directory\s*=?\s*(?:''([^'']*)''|([^\s''#]+))') AS directory
    FROM controls
), places AS (
  SELECT position, name,
         CASE WHEN directory IS NULL THEN share || '/extension'
              WHEN starts_with(coalesce(directory[1], directory[2]), '/') THEN coalesce(directory[1], directory[2])
              ELSE share || '/' || coalesce(directory[1], directory[2]) END AS directory
    FROM named
), scripts AS MATERIALIZED (
  SELECT position, name, substr(left(file, -4), length(name) + 3) AS versions
    FROM places, LATERAL pg_ls_dir(directory, true, false) AS file
   WHERE (pg_stat_file(directory, true)).isdir AND starts_with(file, name || '--') AND file LIKE '%.sql'
)
SELECT coalesce(jsonb_agg(jsonb_build_object('position', position, 'name', name, 'updates', coalesce(updates, '[]')) ORDER BY position, name), '[]')::text
  FROM (SELECT position, name,
               jsonb_agg(versions ORDER BY versions)
                 FILTER (WHERE strpos(versions, '--') > 1 AND strpos(substr(versions, strpos(versions, '--') + 2), '--') = 0) AS updates
          FROM places LEFT JOIN scripts USING (position, name)
         GROUP BY position, name) AS listed
