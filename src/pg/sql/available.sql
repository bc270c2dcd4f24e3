-- Any role. One bad control file makes it fail as a whole, so it stands alone.
SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'default_version', default_version) ORDER BY name), '[]')::text
  FROM pg_available_extensions
