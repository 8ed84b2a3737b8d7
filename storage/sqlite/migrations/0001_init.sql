-- Times are Unix milliseconds. Keys, ids and hashes are opaque bytes or text made by the caller.

CREATE TABLE captchas (
    seq        INTEGER PRIMARY KEY, -- grows: the largest is the newest
    id         BLOB    NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    state      BLOB    NOT NULL,
    peer       BLOB    NOT NULL,
    played     INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX captchas_peer ON captchas (peer, seq);
CREATE INDEX captchas_expiry ON captchas (expires_at);

CREATE TABLE tickets (
    id         BLOB    PRIMARY KEY,
    binding    BLOB    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_expiry ON tickets (expires_at);

CREATE TABLE limits (
    key BLOB    PRIMARY KEY,
    tat INTEGER NOT NULL -- theoretical arrival time
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_tat ON limits (tat);

CREATE TABLE addresses (
    key     BLOB    PRIMARY KEY,
    state   TEXT    NOT NULL, -- JSON: storage.Address
    seen_at INTEGER NOT NULL, -- the end of the day
    saves   INTEGER NOT NULL DEFAULT 0 -- of state: a row that stays what it was would not be written
) STRICT, WITHOUT ROWID;
CREATE INDEX addresses_seen ON addresses (seen_at);

CREATE TABLE devices ( -- that logged in to the address
    address BLOB    NOT NULL,
    device  BLOB    NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (address, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_seen ON devices (seen_at);

CREATE TABLE challenges ( -- mailed codes, and the outbox
    binding    BLOB    PRIMARY KEY, -- begins with the key of the address
    id         BLOB    NOT NULL,
    secret_id  TEXT    NOT NULL,
    level      INTEGER NOT NULL,
    user_id    TEXT    NOT NULL, -- for a user that is created by it
    purpose    TEXT    NOT NULL,
    client_id  TEXT    NOT NULL,
    language   TEXT    NOT NULL,
    email      TEXT    NOT NULL, -- mailed to this user's mail_to, if there is one; empty when nothing is due
    mail_to    TEXT    NOT NULL, -- else; empty when nothing is due
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    guesses    INTEGER NOT NULL DEFAULT 0, -- wrong ones, while it was alive
    all_guesses INTEGER NOT NULL DEFAULT 0, -- at all challenges of the binding, dead ones too; nobody reads it
    used_at    INTEGER,
    number     INTEGER NOT NULL DEFAULT 1, -- of mails asked for
    try        INTEGER NOT NULL DEFAULT 0, -- of deliveries
    claimed    INTEGER NOT NULL DEFAULT 0, -- the number that a worker has taken, until due_at; 0: none
    unknown    INTEGER NOT NULL DEFAULT 0, -- attempts at the number that ended nobody knows how
    due_at     INTEGER                     -- NULL: nothing to mail
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_due ON challenges (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE failure_hours (
    hour  INTEGER NOT NULL, -- hours since 1970
    shard INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    all_n INTEGER NOT NULL DEFAULT 1, -- with guesses at nothing
    PRIMARY KEY (hour, shard)
) STRICT, WITHOUT ROWID;

-- Decoys, which stand for what does not exist: a used challenge for ever, and an address like others.
WITH RECURSIVE decoys (i, key) AS (
    VALUES (0, x'00')
    UNION ALL
    SELECT i + 1, unhex(printf('%02x', i + 1)) FROM decoys WHERE i < 255
)
INSERT INTO addresses (key, state, seen_at)
SELECT key, '{"user":"u_aaaaaaaaaaaaaaaaaaaaaa","sends":[{"at":1700000000000}]}', 9223372036854775807 FROM decoys;
INSERT INTO challenges (binding, id, secret_id, level, user_id, purpose, client_id, language, email, mail_to,
                        created_at, expires_at, used_at)
SELECT key, randomblob(16), 'aaaaaaaaaaaa', 0, 'u_aaaaaaaaaaaaaaaaaaaaaa', '', '', '', '', '',
       0, 9223372036854775807, 0 FROM addresses;

CREATE TABLE beats (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id            TEXT    PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE, -- folded by the caller
    mail_to       TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    last_login_at INTEGER,
    disabled_at   INTEGER,
    generation    INTEGER NOT NULL DEFAULT 0 -- grows when the user is disabled or enabled
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash   TEXT    PRIMARY KEY,
    id           TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    agent        TEXT    NOT NULL,
    os           TEXT    NOT NULL,
    claimed_ip   TEXT    NOT NULL,
    ip           TEXT    NOT NULL,
    data         BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    ended_at     INTEGER, -- a tombstone until expires_at
    previous_hash TEXT,   -- the token before this one, and
    rotated_at   INTEGER  -- when it was replaced
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id, client_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE keys (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT;
