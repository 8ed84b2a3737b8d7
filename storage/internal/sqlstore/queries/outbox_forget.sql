UPDATE challenges SET email = '', mail_to = '' WHERE binding = ? AND due_at IS NULL
