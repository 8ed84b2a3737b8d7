UPDATE captchas SET played = played + 1
 WHERE id = ? AND expires_at > ? AND played < ?
RETURNING id, kind, state, peer, expires_at
