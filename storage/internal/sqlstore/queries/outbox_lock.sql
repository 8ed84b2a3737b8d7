-- One transaction at a time sees whether the outbox has room, and fills it. In SQLite there is but one.
SELECT 1 /*postgres FROM locks WHERE name = 'outbox' FOR UPDATE*/
