package main

import (
	"bytes"
	"slices"
	"strings"
)

// keyRules are about the three public documents.
var keyRules = []rule{
	{8, "keys/public", "each key has kid, alg, use and kty, and nothing that is private", func(r *run) error {
		a := r.send(public(jwksPath))
		list, _ := a.json["keys"].([]any)
		if err := a.ok(); err != nil || len(list) == 0 {
			return a.but("there are no keys")
		}
		for _, k := range list {
			key, _ := k.(map[string]any)
			for _, name := range []string{"kid", "alg", "use", "kty"} {
				if s, _ := key[name].(string); s == "" {
					return a.but("a key has no %s", name)
				}
			}
			for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
				if _, there := key[name]; there {
					return a.but("%s of a key is private", name)
				}
			}
		}
		return nil
	}},
	{8, "keys/two-paths", "they are the same at both paths", func(r *run) error {
		a, b := r.send(public(jwksPath)), r.send(public(keysPath))
		if err := b.ok(); err != nil {
			return err
		}
		if !bytes.Equal(a.body, b.body) {
			return b.but("%s has %s", jwksPath, a.body)
		}
		return nil
	}},
	{8, "keys/discovery", "the discovery document names the issuer, the algorithms, and where the keys are", func(r *run) error {
		a := r.send(public(discoveryPath))
		algorithms, _ := a.json["id_token_signing_alg_values_supported"].([]any)
		if err := a.ok(); err != nil {
			return err
		}
		if a.text("issuer") != r.issuer || a.text("jwks_uri") != r.issuer+jwksPath || len(algorithms) == 0 {
			return a.but("the issuer should be %s, and the keys at %s", r.issuer, r.issuer+jwksPath)
		}
		return nil
	}},
	{8, "keys/cache", "the three may be cached by everybody, for 300 seconds", func(r *run) error {
		for _, path := range []string{keysPath, jwksPath, discoveryPath} {
			a := r.send(public(path))
			directives := strings.Split(strings.ReplaceAll(a.header.Get("Cache-Control"), " ", ""), ",")
			if slices.Sort(directives); !slices.Equal(directives, []string{"max-age=300", "public"}) {
				return a.but("Cache-Control is %q", a.header.Get("Cache-Control"))
			}
		}
		return nil
	}},
}
