-- Any role; rows are simply missing without the privileges of pg_read_all_settings.
SELECT coalesce(jsonb_object_agg(name, jsonb_build_object('value', coalesce(setting, ''), 'source', source, 'file', sourcefile, 'pending_restart', pending_restart)), '{}')::text
  FROM pg_settings
 WHERE name IN ('extension_control_path', 'dynamic_library_path', 'shared_preload_libraries', 'session_preload_libraries',
                'local_preload_libraries', 'output_plugin_libraries', 'archive_library', 'oauth_validator_libraries', 'server_version')
    OR pending_restart
