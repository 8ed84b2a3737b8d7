package cluster

import (
	"slices"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"example.com/mailkey/internal/torture"
)

// What one instance signs is verified with what any other publishes.
func TestAbuse_G12_anyInstancesKeysVerify(t *testing.T) {
	t.Parallel()
	c := standing(t)
	for _, signer := range c.instances {
		d := newDevice(signer.url())
		token := d.do(t, "POST", loginPath, d.code(t, c.relay, newAddress()), ok).field("id_token")
		for _, publisher := range append(c.instances, nil) {
			url := c.url
			if publisher != nil {
				url = publisher.url()
			}
			c.verify(t, url, token)
		}
	}
}

// verify verifies an id_token as a service does that trusts the keys at url.
func (c *cluster) verify(t *testing.T, url, token string) {
	t.Helper()
	keys := oidc.NewRemoteKeySet(t.Context(), url+"/.well-known/jwks.json")
	if _, err := oidc.NewVerifier(c.url, keys, &oidc.Config{ClientID: "app"}).Verify(t.Context(), token); err != nil {
		t.Fatalf("with the keys of %s: %v", url, err)
	}
}

// Many instances make the tables and the keys at the same moment: there is one
// set of keys.
func TestAbuse_G14_manyColdStarts(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	addrs := freeAddrs(t, torture.Rounds(6, 100))
	var first []string
	for _, i := range c.startAll(t, current(t), addrs, "-pool", "2") {
		got := c.keyIDs(t, i.url())
		if first == nil {
			first = got
		}
		if len(got) != 1 || !slices.Equal(got, first) {
			t.Errorf("keys: got %q, and %q from another instance", got, first)
		}
	}
	if version := c.count(t, `SELECT version FROM `+c.table("keys")); version != 1 {
		t.Errorf("the keys were written %d times", version)
	}
}

// keyIDs are the ids of the keys that are published at url.
func (c *cluster) keyIDs(t *testing.T, url string) (ids []string) {
	t.Helper()
	for _, key := range newDevice(url).do(t, "GET", "/.well-known/jwks.json", nil, ok).body["keys"].([]any) {
		ids = append(ids, key.(map[string]any)["kid"].(string))
	}
	return ids
}
