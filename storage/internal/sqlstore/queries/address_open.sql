-- The same, and makes the row if need be. It is locked.
INSERT INTO addresses (key, state, seen_at) VALUES (?, '', ?)
ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at
RETURNING state
