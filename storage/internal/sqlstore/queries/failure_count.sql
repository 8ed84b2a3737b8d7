-- By shards, so that no row is written by all. Adding 0 takes as long as adding 1: SQLite writes no row that is what it was.
INSERT INTO failure_hours (hour, shard, n) VALUES (?, ?, ?)
ON CONFLICT (hour, shard) DO UPDATE SET n = failure_hours.n + excluded.n, all_n = failure_hours.all_n + 1
