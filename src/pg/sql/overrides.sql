-- Any role. What ALTER DATABASE and ALTER ROLE set for the names that matter: it reaches new sessions only, and no other
-- name leaves the server.
SELECT coalesce(jsonb_agg(jsonb_build_object('database', d.datname, 'role', r.rolname, 'name', split_part(line, '=', 1),
                                             'value', substr(line, strpos(line, '=') + 1)) ORDER BY d.datname, r.rolname, line), '[]')::text
  FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole,
       LATERAL unnest(s.setconfig) AS line
 WHERE split_part(line, '=', 1) IN ('extension_control_path', 'dynamic_library_path', 'session_preload_libraries', 'local_preload_libraries')
