-- Makes room for one more session: ends the oldest ones. A session keeps its id when its token changes.
UPDATE sessions SET ended_at = ?
 WHERE user_id = ? AND client_id = ? AND ended_at IS NULL AND expires_at > ?
   AND (created_at, id) <= (SELECT created_at, id FROM sessions
                             WHERE user_id = ? AND client_id = ? AND ended_at IS NULL AND expires_at > ?
                             ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?)
