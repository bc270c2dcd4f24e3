-- Any role, per database. What keeps DROP EXTENSION of $1 from working without CASCADE: objects that depend on it or on
-- one of its members, and that do not go with them; twenty at most. Catalogs only.
-- Automatic and internal dependents of what goes do go, too (PostgreSQL, pg_depend). As PostgreSQL does it, a part is told
-- as its whole (a member as its extension, a rule or a column as its view), and nothing that would go with another one.
WITH RECURSIVE gone AS (
  SELECT 'pg_extension'::regclass::oid AS classid, e.oid AS objid, 0 AS objsubid FROM pg_extension e WHERE e.extname = $1::text
  UNION
  SELECT d.classid, d.objid, d.objsubid
    FROM gone g JOIN pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid AND g.objsubid IN (0, d.refobjsubid)
   WHERE d.deptype IN ('e', 'i', 'a', 'P', 'S')
), left_over AS (
  SELECT DISTINCT d.classid, d.objid,
         CASE WHEN d.classid = 'pg_class'::regclass AND c.relkind IN ('v', 'm') THEN 0 ELSE d.objsubid END AS objsubid
    FROM gone g JOIN pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid AND g.objsubid IN (0, d.refobjsubid)
    LEFT JOIN pg_class c ON c.oid = d.objid
   WHERE d.deptype = 'n'
     AND NOT EXISTS (SELECT FROM gone o WHERE o.classid = d.classid AND o.objid = d.objid AND o.objsubid IN (0, d.objsubid))
), wholes AS (
  SELECT classid, objid, objsubid FROM left_over
  UNION
  SELECT d.refclassid, d.refobjid, d.refobjsubid
    FROM wholes w JOIN pg_depend d ON d.classid = w.classid AND d.objid = w.objid AND d.objsubid = w.objsubid
   WHERE d.deptype IN ('e', 'i')
), with_them AS (
  SELECT d.classid, d.objid, d.objsubid
    FROM wholes w JOIN pg_depend d ON d.refclassid = w.classid AND d.refobjid = w.objid AND w.objsubid IN (0, d.refobjsubid)
   WHERE d.deptype IN ('e', 'i', 'a', 'P', 'S')
  UNION
  SELECT d.classid, d.objid, d.objsubid
    FROM with_them w JOIN pg_depend d ON d.refclassid = w.classid AND d.refobjid = w.objid AND w.objsubid IN (0, d.refobjsubid)
   WHERE d.deptype IN ('e', 'i', 'a', 'P', 'S')
), told AS (
  SELECT DISTINCT pg_describe_object(l.classid, l.objid, l.objsubid) AS object
    FROM wholes l
   WHERE NOT EXISTS (SELECT FROM with_them w WHERE w.classid = l.classid AND w.objid = l.objid AND w.objsubid IN (0, l.objsubid))
     AND NOT EXISTS (SELECT FROM wholes w WHERE w.classid = l.classid AND w.objid = l.objid AND w.objsubid = 0 AND l.objsubid <> 0)
   ORDER BY object
   LIMIT 20
)
SELECT coalesce(jsonb_agg(object ORDER BY object), '[]')::text FROM told WHERE object IS NOT NULL
