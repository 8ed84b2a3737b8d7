UPDATE challenges SET mail_to = '' WHERE binding = ? AND due_at IS NULL
