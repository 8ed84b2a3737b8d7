package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// claims reads an id_token without checking it.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", token)
	}
	doc, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(doc, &c); err != nil {
		t.Fatal(err)
	}
	return c
}
