WITH dead AS (SELECT /*postgres ctid,*/ hour, shard FROM failure_hours WHERE hour <= ? ORDER BY hour LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM failure_hours WHERE /*postgres ctid = ANY (ARRAY (SELECT ctid FROM dead)) AND*/ (hour, shard) IN (SELECT hour, shard FROM dead)
