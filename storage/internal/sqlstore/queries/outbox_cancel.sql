-- The code is used: its mail is not needed any more.
UPDATE challenges SET due_at = NULL, claimed = 0, mail_to = '' WHERE binding = ?
