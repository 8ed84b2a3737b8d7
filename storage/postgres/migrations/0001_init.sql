-- Times are Unix milliseconds. Keys, ids and hashes are opaque bytes or text made by the caller. Text
-- that is compared or ordered is in the order of its bytes, whatever the locale of the database.

CREATE TABLE captchas (
    seq        BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY, -- grows: the largest is the newest
    id         BYTEA  NOT NULL UNIQUE,
    kind       TEXT   NOT NULL,
    state      BYTEA  NOT NULL,
    peer       BYTEA  NOT NULL,
    played     BIGINT NOT NULL DEFAULT 0,
    expires_at BIGINT NOT NULL
);
CREATE INDEX captchas_peer ON captchas (peer, seq);
CREATE INDEX captchas_expiry ON captchas (expires_at);

CREATE TABLE tickets (
    id         BYTEA  PRIMARY KEY,
    binding    BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX tickets_expiry ON tickets (expires_at);

CREATE TABLE limits (
    key BYTEA  PRIMARY KEY,
    tat BIGINT NOT NULL -- theoretical arrival time
);
CREATE INDEX limits_tat ON limits (tat);

CREATE TABLE addresses (
    key     BYTEA  PRIMARY KEY,
    state   TEXT   NOT NULL, -- JSON: storage.Address
    seen_at BIGINT NOT NULL, -- the end of the day
    saves   BIGINT NOT NULL DEFAULT 0 -- of state: a row that stays what it was would not be written
);
CREATE INDEX addresses_seen ON addresses (seen_at);

CREATE TABLE devices ( -- that logged in to the address
    address BYTEA  NOT NULL,
    device  BYTEA  NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (address, device)
);
CREATE INDEX devices_seen ON devices (seen_at);

CREATE TABLE challenges ( -- mailed codes, and the outbox
    binding    BYTEA  PRIMARY KEY, -- begins with the key of the address
    id         BYTEA  NOT NULL,
    secret_id  TEXT   COLLATE "C" NOT NULL,
    level      BIGINT NOT NULL,
    user_id    TEXT   NOT NULL, -- for a user that is created by it
    purpose    TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    language   TEXT   NOT NULL,
    email      TEXT   COLLATE "C" NOT NULL, -- mailed to this user's mail_to, if there is one; empty when nothing is due
    mail_to    TEXT   NOT NULL, -- else; empty when nothing is due
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    guesses    BIGINT NOT NULL DEFAULT 0, -- wrong ones, while it was alive
    all_guesses BIGINT NOT NULL DEFAULT 0, -- at all challenges of the binding, dead ones too; nobody reads it
    used_at    BIGINT,
    number     BIGINT NOT NULL DEFAULT 1, -- of mails asked for
    try        BIGINT NOT NULL DEFAULT 0, -- of deliveries
    claimed    BIGINT NOT NULL DEFAULT 0, -- the number that a worker has taken, until due_at; 0: none
    unknown    BIGINT NOT NULL DEFAULT 0, -- attempts at the number that ended nobody knows how
    due_at     BIGINT                     -- NULL: nothing to mail
);
CREATE INDEX challenges_due ON challenges (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE failure_hours (
    hour  BIGINT NOT NULL, -- hours since 1970
    shard BIGINT NOT NULL,
    n     BIGINT NOT NULL,
    all_n BIGINT NOT NULL DEFAULT 1, -- with guesses at nothing
    PRIMARY KEY (hour, shard)
);

-- Decoys, which stand for what does not exist: a used challenge for ever, and an address like others. Their rows are as
-- long as others, too: PostgreSQL goes through all rows of a page that it tidies up, which takes longer the more there are.
INSERT INTO addresses (key, state, seen_at)
SELECT decode(lpad(to_hex(i), 2, '0'), 'hex'),
       '{"user":"u_' || repeat('a', 53) || '","sends":[{"at":1700000000000}]}', 9223372036854775807
  FROM generate_series(0, 255) AS i;
INSERT INTO challenges (binding, id, secret_id, level, user_id, purpose, client_id, language, email, mail_to,
                        created_at, expires_at, used_at)
SELECT key, '\x00000000000000000000000000000000', 'aaaaaaaaaaaa', 0, 'u_' || repeat('a', 102), '', '', '', '', '',
       0, 9223372036854775807, 0 FROM addresses;

CREATE TABLE beats (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
);

CREATE TABLE users (
    id            TEXT   COLLATE "C" PRIMARY KEY,
    email         TEXT   COLLATE "C" NOT NULL UNIQUE, -- folded by the caller
    mail_to       TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    last_login_at BIGINT,
    disabled_at   BIGINT,
    generation    BIGINT NOT NULL DEFAULT 0 -- grows when the user is disabled or enabled
);

CREATE TABLE sessions (
    token_hash   TEXT   COLLATE "C" PRIMARY KEY,
    id           TEXT   COLLATE "C" NOT NULL,
    user_id      TEXT   COLLATE "C" NOT NULL,
    client_id    TEXT   COLLATE "C" NOT NULL,
    agent        TEXT   NOT NULL,
    os           TEXT   NOT NULL,
    claimed_ip   TEXT   NOT NULL,
    ip           TEXT   NOT NULL,
    data         BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT, -- a tombstone until expires_at
    previous_hash TEXT   COLLATE "C", -- the token before this one, and
    rotated_at   BIGINT  -- when it was replaced
);
CREATE INDEX sessions_user ON sessions (user_id, client_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE keys (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    sealed  BYTEA  NOT NULL
);

CREATE TABLE locks ( -- rows to lock where there is no other
    name TEXT COLLATE "C" PRIMARY KEY
);
INSERT INTO locks (name) VALUES ('outbox');

-- What was swept leaves its entries at the beginning of an index, where each sweep goes through them until
-- they are vacuumed: by default when they are a fifth of the table.
ALTER TABLE captchas   SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE tickets    SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE limits     SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE addresses  SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE devices    SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE challenges SET (autovacuum_vacuum_scale_factor = 0.01);
ALTER TABLE sessions   SET (autovacuum_vacuum_scale_factor = 0.01);
