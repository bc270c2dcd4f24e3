-- Any role; null on a primary, and without the privileges of pg_read_all_stats, where the view hides its columns.
SELECT CASE
         WHEN pg_is_in_recovery() AND pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
         THEN to_jsonb(EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming'))
         ELSE 'null'
       END::text
