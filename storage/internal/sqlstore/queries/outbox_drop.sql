-- Gives up what is of no use any more, and what may have been delivered twice.
UPDATE challenges SET due_at = NULL, claimed = 0, mail_to = ''
 WHERE due_at <= ? AND (used_at IS NOT NULL OR expires_at <= ? OR expires_at < ?
                        OR unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END >= 2)
