-- Any role, per database. Only installed and available names reach pg_extension_update_paths, which raises an error for
-- a name that is not available; and only the paths that begin at the installed version, of a thousand and more.
-- ANY is the pseudo-version of update scripts for all versions.
WITH offered AS MATERIALIZED (
  SELECT e.extname, e.extversion FROM pg_extension e JOIN pg_available_extensions() a ON a.name = e.extname
)
SELECT coalesce(jsonb_agg(jsonb_build_object('name', extname, 'source', source, 'target', target, 'path', path) ORDER BY extname, target), '[]')::text
  FROM offered, LATERAL pg_extension_update_paths(extname)
 WHERE source = extversion AND target <> 'ANY' AND path IS NOT NULL
