package size

import (
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"
)

// Parts of the statements on SQLite. The i-th of n keys begins with the i-th
// part of all that there can be, in bytes or in the letters of base64; what has
// expired is scattered among what has not.
var sqliteParts = strings.NewReplacer(
	"<rows>", `WITH RECURSIVE made (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM made WHERE i + 1 < {n})`,
	"<key>", `unhex(printf('%08x', i * 4294967296 / {n}) || hex(randomblob(28)))`,
	"<token>", `substr(a, i * 64 / {n} + 1, 1) || substr(a, i * 4096 / {n} % 64 + 1, 1) || substr(a, i * 262144 / {n} % 64 + 1, 1) ||
	            substr(a, i * 16777216 / {n} % 64 + 1, 1) || lower(hex(randomblob(19))) || 'A'`,
	"<letters>", `(SELECT '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz' AS a)`,
	"<user>", `printf('u_%022d', i * 2654435761 % {users})`,
	"<expiry>", `CASE WHEN i * 7919 % {n} < {dead} THEN {now} - 60000 - abs(random() % 604800000)
	                  ELSE {now} + 25920000000 + abs(random() % 864000000) END`,
	"<seen>", `CASE WHEN i * 7919 % {n} < {dead} THEN {now} - 40000000000 - abs(random() % 864000000)
	                ELSE {now} - abs(random() % 20000000000) END`,
)

var sqliteFillings = map[string]string{
	"users": `<rows> INSERT INTO users (id, email, mail_to, created_at, last_login_at)
		SELECT printf('u_%022d', i), 'user' || i || '@size.example', 'user' || i || '@size.example', {now} - 86400000, {now} - 86400000 FROM made`,
	"sessions": `<rows> INSERT INTO sessions (token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at, expires_at)
		SELECT <token>, 's_' || lower(hex(randomblob(11))), <user>, 'app', 'a browser 1.2.3', 'a system 4.5', '', '198.51.100.7',
		       CAST('{"deadline":1700000000000,"values":{}}' AS BLOB), {now} - abs(random() % 86400000), {now} - 60000, <expiry>
		  FROM made, <letters>`,
	"challenges": `<rows> INSERT INTO challenges (binding, id, secret_id, level, user_id, purpose, client_id, language, email, mail_to,
		                        created_at, expires_at, guesses, used_at)
		SELECT unhex(hex(<key>) || hex(randomblob(32))), randomblob(16), 'aaaaaaaaaaaa', 0, <user>, 'LOGIN_EMS', 'app', 'en', '', '',
		       {now} - 691200000, <expiry>, 0, CASE WHEN i % 3 > 0 THEN {now} - 691200000 END
		  FROM made`,
	"captchas": `<rows> INSERT INTO captchas (id, kind, state, peer, expires_at)
		SELECT <key>, 'digits', randomblob(16), randomblob(16), <expiry> FROM made`,
	"tickets":   `<rows> INSERT INTO tickets (id, binding, expires_at) SELECT <key>, randomblob(32), <expiry> FROM made`,
	"limits":    `<rows> INSERT INTO limits (key, tat) SELECT <key>, <expiry> FROM made`,
	"addresses": `<rows> INSERT INTO addresses (key, state, seen_at) SELECT <key>, '{"user":"' || <user> || '","sends":[{"at":1700000000000}]}', <seen> FROM made`,
	"devices":   `<rows> INSERT INTO devices (address, device, seen_at) SELECT <key>, randomblob(32), <seen> FROM made`,
}

// fillSQLite fills the file of a store that is closed.
func fillSQLite(t *testing.T, path string, c counts, now time.Time) {
	t.Helper()
	db, err := sqlx.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	statements := make(map[string]string)
	for table, statement := range sqliteFillings {
		statements[table] = sqliteParts.Replace(statement)
	}
	f := filler{db, statements}
	f.exec(t, "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000")
	f.withoutIndexes(t, `SELECT 'DROP INDEX ' || name AS dropped, sql AS made FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`,
		func() { f.fill(t, c, now) })
	f.exec(t, "PRAGMA journal_mode = WAL")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
