package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
	"example.com/mailkey/storage/sqlite"
)

var (
	oldSecret = testSecret
	newSecret = auth.Secret("another thirty-two bytes, or more of them")
	badSecret = auth.Secret("one that was pasted into a chat by accident")
)

const lockedSentence = "the keys in the store are sealed under another Secret: configure that one, or list it in PreviousSecrets"

// document returns what the store holds of the keys.
func document(t *testing.T, store storage.Keys) (sealed []byte, version int64) {
	t.Helper()
	sealed, version, err := store.LoadKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sealed, version
}

// on makes an Auth on a store with a secret and those before it.
func on(t *testing.T, store storage.Store, secret auth.Secret, previous ...auth.Secret) *auth.Auth {
	t.Helper()
	return newAuth(t, func(c *auth.Config) { c.Store, c.Secret, c.PreviousSecrets = store, secret, previous })
}

// refused is the error of New on a store with a secret.
func refused(t *testing.T, store storage.Store, secret auth.Secret, previous ...auth.Secret) string {
	t.Helper()
	before, version := document(t, store)
	_, err := auth.New(auth.Config{
		Store: store, Mailer: &mailbox{}, Secret: secret, PreviousSecrets: previous, Issuer: "https://app.example",
		Clients: []auth.Client{{ID: "app"}}, SigningAlgorithm: auth.ES256,
	})
	if err == nil {
		t.Fatal("it was accepted")
	}
	if after, v := document(t, store); v != version || !bytes.Equal(before, after) {
		t.Error("what could not be opened was overwritten")
	}
	return err.Error()
}

func sameKeys(a, b *auth.Auth) bool {
	return slices.Equal(a.KeyIDs(), b.KeyIDs()) && a.Pseudonym("x") == b.Pseudonym("x")
}

func TestFirstStartMakesTheKeys(t *testing.T) {
	t.Parallel()
	store := memory.New()
	first := on(t, store, oldSecret)
	sealed, version := document(t, store)
	if len(first.KeyIDs()) != 1 || version != 1 {
		t.Fatalf("%d keys in version %d", len(first.KeyIDs()), version)
	}
	if second := on(t, store, oldSecret); !sameKeys(first, second) {
		t.Error("the second start has other keys")
	}
	if again, v := document(t, store); v != version || !bytes.Equal(again, sealed) {
		t.Error("the second start wrote the keys anew")
	}
	if other := on(t, memory.New(), oldSecret); sameKeys(first, other) {
		t.Error("the keys depend on nothing but the secret")
	}
}

// However many instances start at once on an empty store, one makes the keys.
func TestAbuse_G14_ParallelStartsMakeOneSet(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) func() storage.Store{
		"memory": func(*testing.T) func() storage.Store {
			store := memory.New()
			return func() storage.Store { return store }
		},
		"one SQLite store": func(t *testing.T) func() storage.Store {
			store := openSQLite(t)
			return func() storage.Store { return store }
		},
		"one SQLite file": func(t *testing.T) func() storage.Store {
			path := filepath.Join(t.TempDir(), "test.db")
			return func() storage.Store {
				store, err := sqlite.Open(context.WithoutCancel(t.Context()), path)
				if err != nil {
					t.Error(err)
					return memory.New()
				}
				t.Cleanup(func() { _ = store.Close() })
				return store
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared, auths := open(t), make([]*auth.Auth, 8)
			atOnce(len(auths), func(i int) {
				a, err := auth.New(auth.Config{
					Store: shared(), Mailer: &mailbox{}, Secret: oldSecret, Issuer: "https://app.example",
					Clients: []auth.Client{{ID: "app"}}, SigningAlgorithm: auth.ES256,
				})
				if err != nil {
					t.Error(err)
				}
				auths[i] = a
			})
			if t.Failed() {
				return
			}
			for _, a := range auths {
				if !sameKeys(a, auths[0]) {
					t.Errorf("keys %v and %v", a.KeyIDs(), auths[0].KeyIDs())
				}
			}
			if _, version := document(t, shared()); version != 1 || len(auths[0].KeyIDs()) != 1 {
				t.Errorf("version %d, keys %v", version, auths[0].KeyIDs())
			}
		})
	}
}

func TestUnknownSecretIsRefused(t *testing.T) {
	t.Parallel()
	store := memory.New()
	on(t, store, oldSecret)
	if got := refused(t, store, newSecret); got != "auth: "+lockedSentence {
		t.Errorf("%s", got)
	}
	if got := refused(t, store, newSecret, append(auth.Secret("x"), oldSecret...)); got != "auth: "+lockedSentence {
		t.Errorf("%s", got)
	}
}

// The way that PreviousSecrets describes, step by step.
func TestChangeOfTheSecret(t *testing.T) {
	t.Parallel()
	store := memory.New()
	first := on(t, store, oldSecret)
	for _, step := range []struct {
		name     string
		secret   auth.Secret
		previous []auth.Secret
		refused  []auth.Secret // that no longer, or not yet, open the keys alone
	}{
		{"nothing yet", oldSecret, nil, []auth.Secret{newSecret}},
		{"a new one is listed", oldSecret, []auth.Secret{badSecret}, []auth.Secret{newSecret}},
		{"another one is listed instead", oldSecret, []auth.Secret{newSecret}, []auth.Secret{badSecret}},
		{"the new one is used", newSecret, []auth.Secret{oldSecret}, nil},
		{"the old one is dropped", newSecret, nil, []auth.Secret{oldSecret}},
	} {
		if a := on(t, store, step.secret, step.previous...); !sameKeys(a, first) {
			t.Errorf("%s: the keys changed", step.name)
		}
		_, version := document(t, store)
		if a := on(t, store, step.secret, step.previous...); !sameKeys(a, first) {
			t.Errorf("%s: the keys changed with a restart", step.name)
		}
		if _, v := document(t, store); v != version {
			t.Errorf("%s: a restart wrote the keys anew", step.name)
		}
		for _, s := range step.refused {
			if got := refused(t, store, s); got != "auth: "+lockedSentence {
				t.Errorf("%s: %s", step.name, got)
			}
		}
	}
}

// Instances that have taken a step and those that have not start in any order.
func TestInstancesTakeTheStepsOneByOne(t *testing.T) {
	t.Parallel()
	type config []auth.Secret // the current one first
	for name, two := range map[string][2]config{
		"the first step":  {{oldSecret}, {oldSecret, newSecret}},
		"the second step": {{oldSecret, newSecret}, {newSecret, oldSecret}},
		"the third step":  {{newSecret, oldSecret}, {newSecret}},
	} {
		store := memory.New()
		first := on(t, store, two[0][0], two[0][1:]...)
		for i, which := range []int{1, 0, 1, 1, 0, 0, 1} {
			if a := on(t, store, two[which][0], two[which][1:]...); !sameKeys(a, first) {
				t.Errorf("%s, start %d: the keys changed", name, i)
			}
		}
	}
}

// While the secret is being changed, a code of one instance works at the other.
func TestAbuse_C29_codesWhileTheSecretChanges(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.PreviousSecrets = []auth.Secret{newSecret} }, func(k *kit) {
		other := k.as(func(o *kit) {
			o.conf.Secret, o.conf.PreviousSecrets = newSecret, []auth.Secret{oldSecret}
			o.restart()
		})
		done := k.as(func(o *kit) {
			o.conf.Secret, o.conf.PreviousSecrets = newSecret, nil
			o.restart()
		})
		for _, row := range []struct {
			name     string
			from, at *kit
			want     string
		}{
			{"old to new", k, other, "200"},
			{"new to old", other, k, "200"},
			{"new to one that dropped the old", other, done, "200"},
			{"old to one that dropped the old", k, done, string(auth.ReasonCode)},
		} {
			time.Sleep(time.Minute)
			email := strings.ReplaceAll(row.name, " ", "-") + "@b.example"
			if a := row.from.send(email); a.status != 200 {
				t.Fatalf("%s: %s", row.name, a.body)
			}
			time.Sleep(2 * time.Second) // the one that runs finds it in the store
			if m := k.mails.last(); m.To != email {
				t.Fatalf("%s: the last mail went to %s", row.name, m.To)
			}
			if a := row.at.login(email, k.mails.last().Code); a.code() != row.want {
				t.Errorf("%s: %s, want %s", row.name, a.body, row.want)
			}
		}
	})
}

// An id_token and what is counted outlive a change of the secret.
func TestChangeOfTheSecretForgivesNothing(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.Limits.Address.Level1After = 5 }, func(k *kit) {
		code := k.code("ann@b.example")
		for range 5 {
			k.login("ann@b.example", wrong(code))
		}
		keys := k.get("/api/v1/oauth2/keys")
		k.stop()
		k.conf.Secret, k.conf.PreviousSecrets = newSecret, []auth.Secret{oldSecret}
		k.restart()
		k.run()
		synctest.Wait()
		time.Sleep(time.Minute)
		if code := k.code("ann@b.example"); len(code) != 8 {
			t.Errorf("the next code has %d digits, want 8", len(code))
		}
		if again := k.get("/api/v1/oauth2/keys"); !bytes.Equal(again.body, keys.body) {
			t.Errorf("the public keys changed from %s to %s", keys.body, again.body)
		}
	})
}

// A code whose secret was dropped before it was mailed is given up, not mailed
// wrong.
func TestMailOfADroppedSecret(t *testing.T) {
	t.Parallel()
	play(t, func(c *auth.Config) { c.PreviousSecrets = []auth.Secret{newSecret} }, func(k *kit) {
		other := k.as(func(o *kit) {
			o.conf.Secret, o.conf.PreviousSecrets = newSecret, nil
			o.restart()
		})
		k.mails.fail = func(int) error { return errors.New("the relay is down") }
		if a := k.send("ann@b.example"); a.status != 200 {
			t.Fatal(string(a.body))
		}
		synctest.Wait()
		k.stop()
		k.mails.fail = nil
		other.run()
		time.Sleep(5 * time.Minute)
		if n := k.mails.count(); n != 0 {
			t.Errorf("%d mails", n)
		}
		if !strings.Contains(k.log.String(), "made with a Secret that is not configured any more") {
			t.Errorf("the log says nothing of it: %s", k.log)
		}
	})
}

func TestDamagedKeys(t *testing.T) {
	t.Parallel()
	store := memory.New()
	on(t, store, oldSecret)
	sealed, _ := document(t, store)
	var doc struct {
		Wraps map[string][]byte `json:"wraps"`
		Box   []byte            `json:"box"`
	}
	if err := json.Unmarshal(sealed, &doc); err != nil {
		t.Fatal(err)
	}
	other := memory.New()
	on(t, other, oldSecret)
	foreign, _ := document(t, other)
	var foreignDoc struct {
		Box []byte `json:"box"`
	}
	if err := json.Unmarshal(foreign, &foreignDoc); err != nil {
		t.Fatal(err)
	}
	garbage, err := auth.SealGarbage(oldSecret)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(wraps map[string][]byte, box []byte) []byte {
		b, err := json.Marshal(map[string]any{"wraps": wraps, "box": box})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		return b
	}
	wraps := make(map[string][]byte)
	for id, w := range doc.Wraps {
		wraps[id] = flip(w)
	}
	const damaged = "the keys in the store are damaged"
	for _, row := range []struct {
		name string
		doc  []byte
		want string
	}{
		{"half of it", sealed[:len(sealed)/2], damaged},
		{"no document", []byte("\x00"), damaged},
		{"a bit of the box", encode(doc.Wraps, flip(doc.Box)), damaged},
		{"half of the box", encode(doc.Wraps, doc.Box[:len(doc.Box)/2]), damaged},
		{"no box", encode(doc.Wraps, nil), damaged},
		{"the box of another store", encode(doc.Wraps, foreignDoc.Box), damaged},
		{"a bit of the wrap", encode(wraps, doc.Box), lockedSentence},
		{"no wrap", encode(nil, doc.Box), lockedSentence},
		{"an object of nothing", []byte("{}"), lockedSentence},
		{"a signing key that is none", garbage, "signing key x in the store:"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			if ok, err := store.SaveKeys(t.Context(), row.doc, 0); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if got := refused(t, store, oldSecret); !strings.HasPrefix(got, "auth: "+row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// Another algorithm gets a key of its own, and the keys before it are still
// published: tokens that they signed live on for a while.
func TestChangeOfTheAlgorithm(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		old := k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token")
		kids := k.auth.KeyIDs()
		k.stop()
		k.conf.SigningAlgorithm = auth.EdDSA
		k.restart()
		k.run()
		synctest.Wait()
		after := k.auth.KeyIDs()
		if len(after) != 2 || after[0] != kids[0] {
			t.Fatalf("keys %v became %v", kids, after)
		}
		time.Sleep(time.Minute)
		token := k.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token")
		if h := header(t, token); h["alg"] != "EdDSA" || h["kid"] != after[1] {
			t.Errorf("signed with %v", h)
		}
		verify(k, auth.ES256, old)
		verify(k, auth.EdDSA, token)

		k.stop()
		k.conf.SigningAlgorithm = auth.ES256
		k.restart()
		k.run()
		if again := k.auth.KeyIDs(); !slices.Equal(again, after) {
			t.Errorf("going back made keys: %v after %v", again, after)
		}
	})
}

// Instances change the algorithm one by one: the one that did not yet publishes
// the key of the one that did within a minute, and the other way round, and
// each signs as it is configured.
func TestChangeOfTheAlgorithmOneByOne(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		other := k.as(func(o *kit) { o.conf.SigningAlgorithm = auth.EdDSA; o.restart() })
		if a := k.get(keysPath); strings.Contains(string(a.body), "EdDSA") {
			t.Logf("sooner than promised: %s", a.body)
		}
		time.Sleep(time.Minute)
		if a, b := k.get(keysPath), other.get(keysPath); !bytes.Equal(a.body, b.body) || !strings.Contains(string(a.body), "EdDSA") {
			t.Errorf("one publishes %s, the other %s", a.body, b.body)
		}
		for _, signer := range []struct {
			kit       *kit
			algorithm string
		}{{k, auth.ES256}, {other, auth.EdDSA}} {
			token := signer.kit.login("ann@b.example", k.code("ann@b.example")).field(t, "id_token")
			if h := header(t, token); h["alg"] != signer.algorithm {
				t.Errorf("signed with %v, want %s", h, signer.algorithm)
			}
			verify(k, signer.algorithm, token)
			verify(other, signer.algorithm, token)
			time.Sleep(time.Minute)
		}
		if _, version := document(t, k.conf.Store); version != 2 {
			t.Errorf("the keys are at version %d, want 2: they took turns at writing them", version)
		}
	})
}

// A list of secrets may hold one twice; the keys are not written anew for it.
func TestSecretsListedTwice(t *testing.T) {
	t.Parallel()
	store := memory.New()
	first := on(t, store, oldSecret)
	for _, previous := range [][]auth.Secret{{oldSecret}, {oldSecret, oldSecret}, nil, {append(auth.Secret(nil), oldSecret...)}} {
		if a := on(t, store, oldSecret, previous...); !sameKeys(a, first) {
			t.Errorf("the keys changed with %d previous secrets", len(previous))
		}
		if _, version := document(t, store); version != 1 {
			t.Fatalf("written anew with %d previous secrets: version %d", len(previous), version)
		}
	}
	on(t, store, oldSecret, newSecret, oldSecret, newSecret)
	on(t, store, oldSecret, newSecret)
	if _, version := document(t, store); version != 2 {
		t.Errorf("version %d, want 2", version)
	}
}

// A document that was emptied is no first start.
func TestEmptiedKeys(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]bool{"that were there": true, "from the first": false} {
		store := memory.New()
		version := int64(0)
		if start {
			on(t, store, oldSecret)
			_, version = document(t, store)
		}
		if ok, err := store.SaveKeys(t.Context(), nil, version); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if got := refused(t, store, oldSecret); got != "auth: the keys in the store are damaged: restore a backup" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// Nothing in the stored document can be read without the secret.
func TestAbuse_G15_StoredKeysAreSealed(t *testing.T) {
	t.Parallel()
	store := memory.New()
	for _, algorithm := range []string{auth.ES256, auth.EdDSA, auth.RS256} {
		a := newAuth(t, func(c *auth.Config) {
			c.Store, c.SigningAlgorithm, c.PreviousSecrets = store, algorithm, []auth.Secret{newSecret}
		})
		sealed, _ := document(t, store)
		var doc any
		if err := json.Unmarshal(sealed, &doc); err != nil {
			t.Fatal(err)
		}
		texts := append(decoded(doc), sealed)
		for _, private := range append(a.Private(), oldSecret, newSecret, []byte("PRIVATE KEY"), []byte(a.KeyIDs()[0])) {
			for i := 0; i+8 <= len(private); i += 8 { // each part of it
				part := private[i : i+8]
				for _, spelling := range [][]byte{
					part, []byte(hex.EncodeToString(part)),
					[]byte(base64.StdEncoding.EncodeToString(part)[:10]), []byte(base64.RawURLEncoding.EncodeToString(part)[:10]),
				} {
					for _, text := range texts {
						if bytes.Contains(text, spelling) {
							t.Errorf("%s: %q is in the document", algorithm, spelling)
						}
					}
				}
			}
		}
	}
}

// decoded returns the strings in a document, as they are and out of base 64.
func decoded(doc any) (texts [][]byte) {
	switch v := doc.(type) {
	case map[string]any:
		for name, member := range v {
			texts = append(append(texts, []byte(name)), decoded(member)...)
		}
	case string:
		texts = append(texts, []byte(v))
		if raw, err := base64.StdEncoding.DecodeString(v); err == nil {
			texts = append(texts, raw)
		}
	}
	return texts
}

// keyStore fails or falls behind as it is told.
type keyStore struct {
	storage.Store
	mu    sync.Mutex
	load  error
	save  error
	later int // this many savings find that somebody else was faster
}

func (s *keyStore) LoadKeys(ctx context.Context) ([]byte, int64, error) {
	if s.load != nil {
		return nil, 0, s.load
	}
	return s.Store.LoadKeys(ctx)
}

func (s *keyStore) SaveKeys(ctx context.Context, sealed []byte, version int64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.save != nil {
		return false, s.save
	}
	if s.later > 0 {
		s.later--
		return false, nil
	}
	return s.Store.SaveKeys(ctx, sealed, version)
}

func TestKeysOfAFailingStore(t *testing.T) {
	t.Parallel()
	down := errors.New("the disk is gone")
	for name, row := range map[string]struct {
		store *keyStore
		want  string
	}{
		"loading": {&keyStore{Store: memory.New(), load: down}, "auth: load keys: the disk is gone"},
		"saving":  {&keyStore{Store: memory.New(), save: down}, "auth: save keys: the disk is gone"},
	} {
		_, err := auth.New(auth.Config{
			Store: row.store, Mailer: &mailbox{}, Secret: oldSecret, Issuer: "https://app.example",
			Clients: []auth.Client{{ID: "app"}}, SigningAlgorithm: auth.ES256,
		})
		if !errors.Is(err, down) || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
	if a := on(t, &keyStore{Store: memory.New(), later: 3}, oldSecret); len(a.KeyIDs()) != 1 {
		t.Errorf("after three that were faster: %v", a.KeyIDs())
	}
}
