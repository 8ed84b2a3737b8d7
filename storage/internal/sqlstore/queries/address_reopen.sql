-- The same for an address that is not to be remembered because of a guess alone.
UPDATE addresses SET seen_at = ? WHERE key = ? RETURNING state
