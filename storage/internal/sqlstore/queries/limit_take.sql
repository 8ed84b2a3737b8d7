-- One taking, by the generic cell rate algorithm. No row changed: not allowed.
INSERT INTO limits (key, tat) VALUES (?, CAST(? AS BIGINT) + ?)
ON CONFLICT (key) DO UPDATE
   SET tat = CASE WHEN limits.tat > ? THEN limits.tat ELSE CAST(? AS BIGINT) END + ?
 WHERE CASE WHEN limits.tat > ? THEN limits.tat ELSE CAST(? AS BIGINT) END + ? <= ?
