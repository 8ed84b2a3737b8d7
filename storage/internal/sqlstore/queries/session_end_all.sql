-- Of everybody. An empty id names all sessions.
UPDATE sessions SET ended_at = ?
 WHERE ended_at IS NULL AND expires_at > ? AND (? = '' OR id = ?) AND id <> ?
