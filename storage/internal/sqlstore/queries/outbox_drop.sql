-- Gives up what is of no use any more, and what may have been delivered twice. What somebody is at is
-- left for the next time.
WITH useless AS (SELECT binding FROM challenges
                  WHERE due_at <= ? AND (used_at IS NOT NULL OR expires_at <= ? OR expires_at < ?
                                         OR unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END >= 2)
                 /*postgres FOR UPDATE SKIP LOCKED*/)
UPDATE challenges SET due_at = NULL, claimed = 0, email = '', mail_to = ''
 WHERE binding IN (SELECT binding FROM useless)
