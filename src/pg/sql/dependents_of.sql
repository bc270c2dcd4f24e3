-- Any role, per database. What keeps DROP EXTENSION of $1 from working without CASCADE: objects that depend on it or on
-- one of its members, and that do not go with them; twenty at most. Catalogs only.
-- A rule is told as its view. Automatic and internal dependents of what goes do go, too (PostgreSQL, pg_depend).
WITH RECURSIVE gone AS (
  SELECT 'pg_extension'::regclass::oid AS classid, e.oid AS objid FROM pg_extension e WHERE e.extname = $1::text
  UNION
  SELECT d.classid, d.objid
    FROM gone JOIN pg_depend d ON d.refclassid = gone.classid AND d.refobjid = gone.objid
   WHERE d.deptype IN ('e', 'i', 'a', 'P', 'S')
), left_over AS (
  SELECT DISTINCT d.classid, d.objid, d.objsubid
    FROM gone JOIN pg_depend d ON d.refclassid = gone.classid AND d.refobjid = gone.objid
   WHERE d.deptype = 'n' AND NOT EXISTS (SELECT FROM gone g WHERE g.classid = d.classid AND g.objid = d.objid)
   LIMIT 20
), told AS (
  SELECT DISTINCT coalesce((SELECT pg_describe_object('pg_class'::regclass, r.ev_class, 0)
                              FROM pg_rewrite r WHERE l.classid = 'pg_rewrite'::regclass AND r.oid = l.objid),
                           pg_describe_object(l.classid, l.objid, l.objsubid)) AS object
    FROM left_over l
)
SELECT coalesce(jsonb_agg(object ORDER BY object), '[]')::text FROM told WHERE object IS NOT NULL
