-- Reads what is remembered of an address, for changing it: the row is locked, and made if need be.
INSERT INTO addresses (key, state, seen_at) VALUES (?, '', ?)
ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at
RETURNING state
