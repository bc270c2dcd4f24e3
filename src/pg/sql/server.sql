-- Any role. One object on the instance, the session's privileges, and the databases that it can connect to and cannot.
SELECT jsonb_build_object(
         'version', current_setting('server_version_num')::int,
         'standby', pg_is_in_recovery(),
         'user', current_user,
         'superuser', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
         'reads_settings', pg_has_role(current_user, 'pg_read_all_settings', 'USAGE'),
         'reads_files', has_table_privilege('pg_config', 'SELECT')
                    AND has_function_privilege('pg_config()', 'EXECUTE')
                    AND has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE')
                    AND has_function_privilege('pg_ls_dir(text, boolean, boolean)', 'EXECUTE')
                    AND has_function_privilege('pg_read_file(text)', 'EXECUTE')
                    AND has_function_privilege('pg_read_binary_file(text)', 'EXECUTE')
                    AND has_function_privilege('pg_read_binary_file(text, bigint, bigint, boolean)', 'EXECUTE')
                    AND pg_has_role(current_user, 'pg_read_server_files', 'USAGE'),
         'started', pg_postmaster_start_time(),
         'configured', pg_conf_load_time(),
         'databases', coalesce((SELECT jsonb_agg(jsonb_build_object('database', datname, 'owner', pg_get_userbyid(datdba)) ORDER BY datname)
                                  FROM pg_database
                                 WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2
                                   AND has_database_privilege(oid, 'CONNECT')), '[]'),
         'closed', coalesce((SELECT jsonb_agg(jsonb_build_object('database', datname, 'owner', pg_get_userbyid(datdba)) ORDER BY datname)
                               FROM pg_database
                              WHERE datallowconn AND NOT datistemplate AND datconnlimit <> -2
                                AND NOT has_database_privilege(oid, 'CONNECT')), '[]'),
         'templates', coalesce((SELECT jsonb_agg(datname ORDER BY datname)
                                  FROM pg_database WHERE datallowconn AND datistemplate AND datconnlimit <> -2), '[]'),
         'shut', coalesce((SELECT jsonb_agg(datname ORDER BY datname) FROM pg_database WHERE NOT datallowconn), '[]'),
         'plugins', coalesce((SELECT jsonb_object_agg(slot_name, plugin) FROM pg_replication_slots WHERE plugin IS NOT NULL), '{}')
       )::text
