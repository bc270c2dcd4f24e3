-- Any role. Every version that can be installed from nothing, with what it requires. A bad secondary control file makes it
-- fail as a whole, so it stands alone. ANY is the pseudo-version of update scripts for all versions.
SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'version', version, 'requires', coalesce(to_jsonb(requires), '[]'))
                          ORDER BY name, version), '[]')::text
  FROM pg_available_extension_versions
 WHERE version <> 'ANY'
