-- What a wrong guess is counted at, and whether it is the challenge that was guessed at, and alive. See challenge_find.sql.
SELECT binding, created_at, id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ? AS alive FROM challenges
 WHERE binding = (SELECT coalesce(c.binding, /*sqlite*/ d.binding, /**/ decoy.binding)
                    FROM (SELECT ? /*postgres ::bytea*/ AS binding) AS decoy
                    LEFT JOIN challenges c ON c.binding = ?
                    /*sqlite*/ LEFT JOIN challenges d ON d.binding = decoy.binding /**/)
/*postgres FOR UPDATE*/
