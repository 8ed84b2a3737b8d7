-- Counts a wrong guess; at a decoy, when the code is gone. Both are looked up, as in address_guess.sql.
UPDATE challenges SET guesses = guesses + 1
 WHERE binding = (SELECT coalesce((SELECT binding FROM challenges
                                    WHERE binding = ? AND id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ?
                                    /*postgres FOR UPDATE*/),
                                  /*postgres (SELECT binding FROM challenges WHERE binding = one.binding FOR UPDATE),*/
                                  one.binding)
                    FROM (SELECT ? /*postgres ::bytea*/ AS binding) AS one)
RETURNING binding, created_at
