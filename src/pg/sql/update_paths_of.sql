-- Any role, per database. The same for one installed extension ($1), for when a bad control file of another one makes
-- pg_available_extensions fail.
SELECT coalesce(jsonb_agg(jsonb_build_object('name', extname, 'source', source, 'target', target, 'path', path) ORDER BY target), '[]')::text
  FROM (SELECT extname, extversion FROM pg_extension WHERE extname = $1::text) AS one, LATERAL pg_extension_update_paths(extname)
 WHERE source = extversion AND target <> 'ANY' AND path IS NOT NULL
