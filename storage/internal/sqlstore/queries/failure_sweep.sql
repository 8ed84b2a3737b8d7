WITH dead AS (SELECT hour FROM failure_hours WHERE hour <= ? LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/)
DELETE FROM failure_hours WHERE hour IN (SELECT hour FROM dead)
