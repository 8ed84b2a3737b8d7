-- Keeps the newest captchas: no more than that many numbers are above the bound.
DELETE FROM captchas WHERE seq <= ?
