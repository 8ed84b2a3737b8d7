-- What a wrong guess is counted at, and whether it is the challenge that was guessed at, and alive. See challenge_find.sql.
SELECT binding, created_at, id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ? AS alive FROM challenges
 WHERE binding = (SELECT coalesce(c.binding, /*sqlite*/ d.binding /**/ /*postgres ?*/)
                    FROM (SELECT 1) AS one
                    /*sqlite*/ LEFT JOIN challenges d ON d.binding = ? /**/
                    LEFT JOIN challenges c ON c.binding = ?)
/*postgres FOR UPDATE*/
