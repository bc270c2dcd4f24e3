-- Any role, PostgreSQL 18. Modules of this session: what was preloaded and what the session loaded itself.
SELECT coalesce(jsonb_agg(jsonb_build_object('file', file_name, 'module', module_name, 'version', version) ORDER BY file_name, module_name), '[]')::text
  FROM pg_get_loaded_modules()
