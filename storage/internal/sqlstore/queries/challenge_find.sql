-- The challenge, alive or dead; a decoy, which is dead, if there is none. See address_guess.sql.
SELECT id, binding, secret_id, level, user_id, expires_at, used_at IS NULL AND expires_at > ? AND guesses < ? AS alive FROM challenges
 WHERE binding = (SELECT coalesce(c.binding, /*sqlite*/ d.binding /**/ /*postgres ?*/)
                    FROM (SELECT 1) AS one
                    /*sqlite*/ LEFT JOIN challenges d ON d.binding = ? /**/
                    LEFT JOIN challenges c ON c.binding = ?)
