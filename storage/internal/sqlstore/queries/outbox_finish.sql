-- Ends a claim. A resend asked for meanwhile is due now.
UPDATE challenges
   SET claimed = 0,
       unknown = CASE WHEN number > ? THEN unknown ELSE unknown + ? END,
       due_at = CASE WHEN number > ? THEN CAST(? AS BIGINT)
                     WHEN unknown + ? >= 2 THEN NULL
                     ELSE CAST(? AS BIGINT) END
 WHERE binding = ? AND id = ? AND try = ? AND claimed > 0
