-- Gives up what is of no use any more, and what may have been delivered twice.
UPDATE challenges SET due_at = NULL, mail_to = ''
 WHERE due_at <= ? AND (used_at IS NOT NULL OR expires_at < ? OR unknown + claimed >= 2)
