package auth_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
)

// opened is a kit whose database is read and written by somebody else, too.
type opened struct {
	*kit
	db *sql.DB
}

func playOpened(t *testing.T, change func(*auth.Config), f func(o *opened)) {
	t.Helper()
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, openFile(t, path), change)
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		k.run()
		synctest.Wait()
		f(&opened{k, db})
	})
}

func (o *opened) exec(query string, args ...any) {
	o.Helper()
	res, err := o.db.ExecContext(o.Context(), query, args...)
	if err != nil {
		o.Fatal(err)
	}
	if n, err := res.RowsAffected(); n != 1 || err != nil {
		o.Fatalf("%s: %d rows, %v", query, n, err)
	}
}

// rows are those of a query, each a map of texts and bytes by the column.
func (o *opened) rows(query string, args ...any) (all []map[string][]byte) {
	o.Helper()
	rows, err := o.db.QueryContext(o.Context(), query, args...)
	if err != nil {
		o.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		o.Fatal(err)
	}
	for rows.Next() {
		values, pointers := make([][]byte, len(names)), make([]any, len(names))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			o.Fatal(err)
		}
		row := make(map[string][]byte)
		for i, name := range names {
			row[name] = values[i]
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		o.Fatal(err)
	}
	return all
}

// tables are the columns of each.
func (o *opened) tables() map[string][]string {
	o.Helper()
	all := make(map[string][]string)
	for _, table := range o.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") {
		name := string(table["name"])
		for _, column := range o.rows("SELECT name FROM pragma_table_info(?)", name) {
			all[name] = append(all[name], string(column["name"]))
		}
	}
	return all
}

// all are the rows of a table for which the conditions hold.
func (o *opened) all(table string, conditions ...string) []map[string][]byte {
	o.Helper()
	return o.rows("SELECT " + strings.Join(o.tables()[table], ", ") + " FROM " + table + " WHERE " + strings.Join(append(conditions, "true"), " AND "))
}

// values is everything that the database holds.
func (o *opened) values() (all [][]byte) {
	o.Helper()
	seen := make(map[string]bool)
	for table := range o.tables() {
		for _, row := range o.all(table) {
			for _, v := range row {
				if len(v) > 0 && !seen[string(v)] {
					seen[string(v)] = true
					all = append(all, v)
				}
			}
		}
	}
	return all
}

// found are the codes from one number to another that a reader of the database
// can find: those of which it holds a hash, alone or together with a value of
// the code's own row.
func found(values [][]byte, row map[string][]byte, from, to int) (codes []string) {
	digests := make(map[[sha256.Size]byte]bool)
	add := func(v []byte) {
		if len(v) == sha256.Size {
			digests[[sha256.Size]byte(v)] = true
		}
	}
	for _, v := range values {
		add(v)
		if raw, err := hex.DecodeString(string(v)); err == nil {
			add(raw)
		}
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			if raw, err := e.DecodeString(string(v)); err == nil {
				add(raw)
			}
		}
	}
	for n := from; n < to; n++ {
		code := fmt.Appendf(nil, "%06d", n)
		for _, salt := range [][]byte{nil, row["id"], row["binding"]} {
			if digests[sha256.Sum256(append(slices.Clip(salt), code...))] {
				codes = append(codes, string(code))
			}
		}
	}
	return codes
}

// derived is what the code of a row is made of by somebody who knows the secret,
// as docs/adr/0001-codes-are-derived.md says.
func derived(t *testing.T, secret []byte, row map[string][]byte) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, secret, nil, "mailkey code", 32)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(row["id"])
	mac.Write(row["binding"])
	return mac.Sum(nil)
}

func digitsOf(mac []byte) string { return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac)%1_000_000) }

// Whoever reads the database finds no code in it, neither as it is nor by
// trying all there are. With the secret the same row gives exactly one, which is
// the one that was mailed.
func TestAbuse_C27_databaseWithoutTheSecret(t *testing.T) {
	playOpened(t, nil, func(o *opened) {
		codes := make(map[string]string) // by address
		for _, email := range []string{"ann@b.example", "bob@b.example"} {
			codes[email] = o.code(email)
			o.login(email, wrong(codes[email]))
		}
		values := o.values()
		rows := o.all("challenges", "used_at IS NULL")
		if len(rows) != len(codes) || len(values) < 50 {
			t.Fatalf("%d challenges, %d values", len(rows), len(values))
		}
		mailed := make(map[string]bool)
		for _, row := range rows {
			if got := found(values, row, 0, 1_000_000); len(got) > 0 {
				t.Errorf("the database tells the codes %q", got)
			}
			right := derived(t, testSecret, row)
			for _, v := range values {
				if bytes.Equal(derived(t, v, row), right) {
					t.Errorf("%q is as good as the secret", v)
				}
			}
			mailed[digitsOf(right)] = true
		}
		for email, code := range codes {
			if !mailed[code] {
				t.Errorf("the code of %s is none of %v: the search looks at the wrong rows", email, mailed)
			}
		}
		code := codes["ann@b.example"]
		for name, naive := range map[string][]byte{ // what others store
			"a hash":         hashed(nil, code),
			"a salted one":   hashed(rows[0]["id"], code),
			"in hexadecimal": []byte(hex.EncodeToString(hashed(nil, code))),
		} {
			n, _ := strconv.Atoi(code)
			if got := found([][]byte{naive}, rows[0], n-500, n+500); len(got) != 1 || got[0] != code {
				t.Errorf("%s: the search finds %q, want %s", name, got, code)
			}
		}
	})
}

func hashed(salt []byte, code string) []byte {
	sum := sha256.Sum256(append(bytes.Clone(salt), code...))
	return sum[:]
}

// Whoever can write to the database, too, cannot make a code of their own work
// for somebody else: copied to another row it is another code.
func TestAbuse_C28_copiedRow(t *testing.T) {
	const mine, victims = "eve@b.example", "ann@b.example"
	for _, row := range []struct {
		name string
		copy string // of the columns of my row, the first one, to the victim's
	}{
		{"the challenge", "id = m.id, secret_id = m.secret_id, level = m.level"},
		{"all but whose it is", "id = m.id, secret_id = m.secret_id, level = m.level, user_id = m.user_id, created_at = m.created_at, expires_at = m.expires_at, guesses = 0, used_at = NULL"},
		{"nothing", "guesses = 0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			playOpened(t, nil, func(o *opened) {
				code := o.code(mine)
				id := o.rows("SELECT id FROM challenges WHERE used_at IS NULL")[0]["id"]
				theirs := o.code(victims)
				o.exec("UPDATE challenges SET "+row.copy+" FROM challenges AS m WHERE m.id = ?1 AND challenges.id <> ?1 AND challenges.used_at IS NULL", id)
				if code == theirs {
					return // by chance: it shows nothing
				}
				if a := o.login(victims, code); a.code() != codeRefused {
					t.Errorf("my code at the victim's address: %d %s", a.status, a.body)
				}
				want := codeRefused
				if row.name == "nothing" {
					want = "200"
				}
				if a := o.login(victims, theirs); a.code() != want {
					t.Errorf("the victim's own code: %d %s, want %s", a.status, a.body, want)
				}
			})
		})
	}
	t.Run("the whole row under the victim's binding", func(t *testing.T) {
		playOpened(t, nil, func(o *opened) {
			theirs := o.code(victims)
			binding := o.rows("SELECT binding FROM challenges WHERE used_at IS NULL")[0]["binding"]
			o.exec("DELETE FROM challenges WHERE binding = ?", binding)
			code := o.code(mine)
			o.exec("UPDATE challenges SET binding = ? WHERE used_at IS NULL", binding)
			if a := o.login(victims, code); a.code() != codeRefused && code != theirs {
				t.Errorf("my code at the victim's address: %d %s", a.status, a.body)
			}
			if a := o.login(mine, code); a.code() != codeRefused {
				t.Errorf("my code at my own address, whose row went away: %d %s", a.status, a.body)
			}
		})
	})
}

// Nothing that is stored of a session opens it.
func TestAbuse_F08_storedValuesAsTokens(t *testing.T) {
	playOpened(t, rotating, func(o *opened) {
		token, claims := o.signIn("ann@b.example")
		token = o.next(token) // so that there is a previous one, too
		web := o.as(asWeb)
		cookie, _ := web.signIn("bob@b.example")
		tried, page := 0, o.page(whoami)
		if a := page.with("Session-Token", token); string(a.body) != claims["sub"] {
			t.Fatalf("the token itself: %s", a.body)
		}
		for _, v := range o.values() {
			for _, spelling := range []string{
				string(v), base64.RawURLEncoding.EncodeToString(v), hex.EncodeToString(v), base64.StdEncoding.EncodeToString(v), base64.RawURLEncoding.EncodeToString(hashed(nil, string(v))),
			} {
				if strings.ContainsFunc(spelling, func(r rune) bool { return r < ' ' || r > '~' }) || len(spelling) > 1000 {
					continue // no header has it
				}
				tried++
				if spelling == token || spelling == cookie {
					t.Errorf("the database holds the token %s", spelling)
				}
				for _, headers := range [][]string{
					{"Session-Token", spelling}, {"Authorization", "Bearer " + spelling}, {"Cookie", cookieHeader + spelling},
				} {
					if a := page.with(headers...); string(a.body) != "nobody" {
						t.Errorf("%q: %d %s", headers, a.status, a.body)
					}
				}
			}
		}
		if tried < 100 {
			t.Errorf("only %d values were tried", tried)
		}
		for _, path := range []string{refreshPath, logoutPath} {
			for _, row := range o.all("sessions") {
				for _, v := range []string{string(row["token_hash"]), string(row["previous_hash"]), string(row["id"])} {
					if a := o.do(o.withToken("POST", path, v)); a.status != http.StatusBadRequest || a.code() != string(auth.ReasonSessionInvalid) {
						t.Errorf("%s with %q: %d %s", path, v, a.status, a.body)
					}
				}
			}
		}
		if !o.alive(token) || !o.alive(cookie) {
			t.Error("a session did not survive it")
		}
	})
}

// retention is how long each table keeps a row after it was written last, and
// what its columns have to do with a person. A new column is a decision.
var retention = map[string]struct {
	keeps    time.Duration // 0: until it is deleted, or for ever where nobody is in it
	personal string        // the columns that hold a person's data, or a keyed hash of it
	others   string
	decoys   string // the rows that stand for what does not exist
}{
	"captchas":   {2 * time.Minute, "peer", "seq id kind state played expires_at", ""},
	"tickets":    {2 * time.Minute, "binding", "id expires_at", ""},
	"limits":     {time.Hour, "key", "tat", ""}, // at most
	"challenges": {10 * time.Minute, "binding user_id email mail_to", "id secret_id level purpose client_id language created_at expires_at guesses all_guesses used_at number try claimed unknown due_at", "created_at = 0"},
	"sessions": {
		5 * day, "token_hash user_id agent os claimed_ip ip data previous_hash last_seen_at created_at",
		"id client_id expires_at ended_at rotated_at", "",
	},
	"addresses":     {367 * day, "key state saves", "seen_at", "seen_at = 9223372036854775807"},
	"devices":       {400 * day, "address device", "seen_at", ""},
	"failure_hours": {8*day + time.Hour, "", "hour shard n all_n", ""},
	"users":         {0, "id email mail_to created_at last_login_at disabled_at", "generation", ""},
	"beats":         {0, "", "id at", ""},

	"mailkey_migrations": {0, "", "version", ""},
	"keys":               {0, "", "id version sealed", ""},
}

func (o *opened) count(table string) int {
	o.Helper()
	where := ""
	if decoys := retention[table].decoys; decoys != "" {
		where = " WHERE NOT (" + decoys + ")"
	}
	return len(o.rows("SELECT 1 FROM " + table + where))
}

// Addresses of the network, agents, fingerprints and all that says who was there
// is gone when its time is over, without anybody asking.
func TestAbuse_H08_retention(t *testing.T) {
	playOpened(t, nil, func(o *opened) {
		for table, columns := range o.tables() {
			known, there := retention[table]
			for _, column := range columns {
				if !there || !strings.Contains(" "+known.personal+" "+known.others+" ", " "+column+" ") {
					t.Errorf("nobody said how long %s.%s is kept, and what of", table, column)
				}
			}
		}
		o.device = "a fingerprint 4711"
		code := o.code("ann@b.example")
		o.login("ann@b.example", wrong(code))
		r := o.request("POST", loginPath, object("email", "ann@b.example", "verify_code", code))
		r.Header.Set("X-Agent", "an agent 4711")
		r.Header.Set("X-Device-Ip", "203.0.113.200")
		if a := o.do(r); a.status != http.StatusOK {
			t.Fatalf("%s", a.body)
		}
		o.as(from("198.51.100.200")).code("bob@b.example") // who never logs in
		o.solve()
		o.ticket("carl@b.example")
		start := time.Now()

		for table := range retention {
			if o.count(table) == 0 {
				t.Errorf("there is nothing in %s that could be forgotten", table)
			}
		}
		all := bytes.Join(o.values(), []byte("\n"))
		for text, want := range map[string]bool{
			"a fingerprint 4711": false, "bob@b.example": false, "carl@b.example": false, "198.51.100.200": false, // keyed hashes of them
			"an agent 4711": true, "203.0.113.200": true, "192.0.2.1": true, "ann@b.example": true, // a session and a user
		} {
			if bytes.Contains(all, []byte(text)) != want {
				t.Errorf("that %q can be read in the database is %v", text, !want)
			}
		}

		for _, after := range []time.Duration{2 * time.Minute, 10 * time.Minute, time.Hour, 5 * day, 8*day + time.Hour, 366 * day, 367 * day, 400 * day} {
			o.pass(time.Until(start.Add(after)) - time.Minute)
			for table, kept := range retention {
				if kept.keeps >= after && table != "limits" && o.count(table) == 0 {
					t.Errorf("%s is forgotten %v too soon", table, kept.keeps-after+time.Minute)
				}
			}
			o.pass(2 * time.Minute)
			for table, kept := range retention {
				if n := o.count(table); kept.keeps > 0 && kept.keeps <= after && n > 0 {
					t.Errorf("after %v there are still %d rows in %s: %q", after, n, table, o.all(table))
				}
			}
		}
		all = bytes.Join(o.values(), []byte("\n"))
		for _, text := range []string{"an agent 4711", "203.0.113.200", "192.0.2.1"} {
			if bytes.Contains(all, []byte(text)) {
				t.Errorf("%q is still there", text)
			}
		}
		user, err := o.auth.UserByEmail(o.Context(), "ann@b.example")
		if err == nil {
			err = o.auth.DeleteUser(o.Context(), user.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		if all = bytes.Join(o.values(), []byte("\n")); bytes.Contains(all, []byte("ann@b")) || bytes.Contains(all, []byte(user.ID)) {
			t.Errorf("the user was deleted, and is still there: %q", all)
		}
	})
}
