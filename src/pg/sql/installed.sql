-- Any role, per database. Catalogs only: the file system is not touched, so no control file can make it fail.
SELECT coalesce(jsonb_agg(jsonb_build_object(
         'name', e.extname,
         'version', e.extversion,
         'schema', n.nspname,
         'owner', pg_get_userbyid(e.extowner),
         'libraries', coalesce((SELECT jsonb_agg(DISTINCT p.probin ORDER BY p.probin)
                                  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
                                 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
                                   AND d.refobjid = e.oid AND d.deptype = 'e' AND p.probin IS NOT NULL), '[]'),
         'requires', coalesce((SELECT jsonb_agg(r.extname ORDER BY r.extname)
                                 FROM pg_depend d JOIN pg_extension r ON r.oid = d.refobjid
                                WHERE d.classid = 'pg_extension'::regclass AND d.objid = e.oid
                                  AND d.refclassid = 'pg_extension'::regclass), '[]')
       ) ORDER BY e.extname), '[]')::text
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
