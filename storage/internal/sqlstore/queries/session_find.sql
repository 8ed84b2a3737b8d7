-- Two in one, and names of one letter: for SQLite each column, and each longer name, is another string to
-- be made in every request.
SELECT s.token_hash || s.id AS a, s.user_id AS b, u.email AS c, s.client_id AS d, s.data AS e,
       s.created_at AS f, s.last_seen_at AS g, s.expires_at AS h
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.token_hash = ? AND s.ended_at IS NULL AND s.expires_at > ? AND u.disabled_at IS NULL
