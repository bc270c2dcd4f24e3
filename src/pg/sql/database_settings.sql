-- Any role; rows are simply missing without the privileges of pg_read_all_settings. ALTER DATABASE and ALTER ROLE reach
-- new sessions only, so this is true of the database only in a session that has just begun.
SELECT coalesce(jsonb_object_agg(name, jsonb_build_object('value', coalesce(setting, ''), 'source', source, 'file', sourcefile, 'pending_restart', pending_restart)), '{}')::text
  FROM pg_settings
 WHERE name IN ('extension_control_path', 'dynamic_library_path', 'session_preload_libraries', 'local_preload_libraries')
