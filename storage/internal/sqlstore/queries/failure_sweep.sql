WITH dead AS (SELECT hour, shard FROM failure_hours WHERE hour <= ? ORDER BY hour LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM failure_hours WHERE (hour, shard) IN (SELECT hour, shard FROM dead)
