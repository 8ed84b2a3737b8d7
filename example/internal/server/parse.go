package server

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"example.com/mailkey/auth"
	"example.com/mailkey/captcha"
)

// checkIssuer returns the host. auth.New checks the URL again, more closely.
func checkIssuer(issuer string) (host string, err error) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q is not of the form https://host or https://host:port (the example serves at the root)", issuer)
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return "", fmt.Errorf("%q is not https, and its host is not loopback", issuer)
	}
	return u.Hostname(), nil
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// parseClients adds header clients to the page's cookie client.
func parseClients(ids string) ([]auth.Client, error) {
	clients := []auth.Client{{ID: pageClient, Cookie: true}}
	for _, id := range list(ids) {
		switch {
		case !clientID.MatchString(id):
			return nil, fmt.Errorf("%q is not 1 to 64 letters, digits, '-' and '_'", id)
		case id == pageClient:
			return nil, fmt.Errorf("%q is the page's own id", id)
		case slices.ContainsFunc(clients, func(c auth.Client) bool { return c.ID == id }):
			return nil, fmt.Errorf("%q is there twice", id)
		}
		clients = append(clients, auth.Client{ID: id})
	}
	return clients, nil
}

func parseCaptchas(kinds string) ([]captcha.Engine, error) {
	known := []captcha.Engine{captcha.Digits(), captcha.Slider(), captcha.ProofOfWork(0)}
	var engines []captcha.Engine
	for _, kind := range list(kinds) {
		i := slices.IndexFunc(known, func(e captcha.Engine) bool { return e.Kind() == kind })
		if i < 0 {
			return nil, fmt.Errorf("there is no kind %q: the kinds are %s", kind, kindsOf(known))
		}
		if slices.Contains(engines, known[i]) {
			return nil, fmt.Errorf("%q is there twice", kind)
		}
		engines = append(engines, known[i])
	}
	if len(engines) == 0 {
		return nil, fmt.Errorf("names no kind: the kinds are %s", kindsOf(known))
	}
	return engines, nil
}

func kindsOf(engines []captcha.Engine) string {
	var kinds []string
	for _, e := range engines {
		kinds = append(kinds, e.Kind())
	}
	return strings.Join(kinds, ", ")
}

func parsePrefixes(s string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, item := range list(s) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, err := netip.ParseAddr(item)
			if err != nil {
				return nil, fmt.Errorf("%q is neither an address nor a prefix such as 10.0.0.0/8", item)
			}
			prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes, nil
}

// list splits at commas.
func list(s string) []string {
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(item string) bool { return item == "" })
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
