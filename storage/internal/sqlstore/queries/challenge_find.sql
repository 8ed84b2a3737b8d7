-- The live challenge, or a decoy; both are looked up, as in address_guess.sql.
SELECT id, binding, secret_id, level, user_id, expires_at FROM challenges
 WHERE binding = (SELECT coalesce(c.binding, /*postgres (SELECT binding FROM challenges WHERE binding = d.binding),*/ d.binding)
                    FROM (SELECT 1) AS one
                    LEFT JOIN challenges d ON d.binding = ?
                    LEFT JOIN challenges c ON c.binding = ? AND c.used_at IS NULL AND c.expires_at > ? AND c.guesses < ?)
