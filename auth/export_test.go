package auth

import (
	"context"
	"maps"
	"slices"
	"time"
)

// What the tests of package auth_test look at from inside.

// The parts that are tested apart from a login.
var (
	RetryAfter = retryAfter
	Thumbprint = thumbprint
	Unusual    = unusual
)

// Status is the HTTP status of a reason.
func Status(r Reason) int { return statuses[r] }

// Paths are those that Handler serves, in order.
func (a *Auth) Paths() []string { return slices.Sorted(maps.Keys(a.handlers.byPath())) }

// Language is the language that a request with these two headers is answered in.
func (a *Auth) Language(xl, acceptLanguage string) string {
	return a.catalog.languages[a.catalog.match(languageHeader(xl), languageHeader(acceptLanguage))]
}

// Languages are those that there is a text in, the default one first.
func (a *Auth) Languages() []string { return a.catalog.languages }

// Text is the text of a reason in one of the languages.
func (a *Auth) Text(lang string, r Reason) string {
	for i, l := range a.catalog.languages {
		if l == lang {
			return a.catalog.text(i, r)
		}
	}
	return ""
}

// KeyIDs are the ids of the signing keys, oldest first.
func (a *Auth) KeyIDs() (ids []string) {
	for _, k := range a.keys.Signing {
		ids = append(ids, k.ID)
	}
	return ids
}

// Tend is what Run does with the signing keys once in an hour.
func (a *Auth) Tend(ctx context.Context) { a.tendKeys(ctx) }

// SignFor makes an id_token.
func (a *Auth) SignFor(ctx context.Context, id Identity) (string, error) {
	return a.signIDToken(ctx, id, nil, time.Now())
}

// Published is the JWK set of this moment.
func (a *Auth) Published(ctx context.Context) []byte { return a.currentKeys(ctx, time.Now()).public }

// RingIDs are the ids of the keys that are published at this moment, oldest
// first.
func (a *Auth) RingIDs(ctx context.Context) (ids []string) {
	for _, k := range a.currentKeys(ctx, time.Now()).set.Signing {
		ids = append(ids, k.ID)
	}
	return ids
}

// Pseudonym is the keyed hash of a name.
func (a *Auth) Pseudonym(name string) string { return string(a.keys.pseudonym(name)) }

// Private is all that the stored keys must hide.
func (a *Auth) Private() [][]byte {
	private := [][]byte{a.keys.Pseudonym}
	for _, k := range a.keys.Signing {
		private = append(private, k.PKCS8)
	}
	for _, s := range a.secrets {
		private = append(private, s.code, s.seal)
	}
	return private
}

// SealGarbage is a document that the secret opens, and in which a signing key
// is broken.
func SealGarbage(s Secret) ([]byte, error) {
	set := &keySet{Pseudonym: randomBytes(32), Signing: []signingKey{{ID: "x", Algorithm: ES256, PKCS8: []byte("no key")}}}
	return sealKeys(set, []secretKeys{s.keys()})
}
