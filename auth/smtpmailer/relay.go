package smtpmailer

import (
	"cmp"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// A relay is Config.URL, taken apart, with the TLS settings that follow.
type relay struct {
	host, port  string
	user        string        // empty: no AUTH
	password    func() string // not a string: fmt would print it somehow
	implicitTLS bool          // smtps://
	tls         *tls.Config   // nil: plain text, to this machine only
}

// parseRelay never repeats any part of the URL in an error: when it is
// misspelt, the password may be anywhere, even in what looks like the scheme.
func parseRelay(raw string, config *tls.Config) (*relay, error) {
	var mistakes []error
	wrong := func(sentence string) {
		mistakes = append(mistakes, errors.New("smtpmailer: "+sentence))
	}
	if config != nil && config.InsecureSkipVerify {
		wrong("TLSConfig must not set InsecureSkipVerify: put the authority of the relay's certificate into RootCAs")
	}
	if raw == "" {
		wrong("URL is required, like smtp://user:password@host:587")
		return nil, errors.Join(mistakes...)
	}
	u, err := url.Parse(raw)
	if err != nil {
		wrong("URL cannot be parsed: percent-encode the user and the password, as in smtp://user:p%40ss@host:587")
		return nil, errors.Join(mistakes...)
	}

	password, _ := u.User.Password() // of nil it is empty
	r := &relay{
		host:     u.Hostname(),
		port:     u.Port(),
		user:     u.User.Username(),
		password: func() string { return password },
	}
	switch u.Scheme {
	case "smtp":
		r.port = cmp.Or(r.port, "587")
	case "smtps":
		r.port = cmp.Or(r.port, "465")
		r.implicitTLS = true
	default:
		wrong("URL must start with smtp:// or smtps://")
	}
	if r.host == "" {
		wrong("URL must name a host")
	}
	if port, err := strconv.ParseUint(r.port, 10, 16); u.Port() != "" && (err != nil || port == 0) {
		wrong("URL must have a port between 1 and 65535")
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		wrong("URL must end after the port: percent-encode /, ? and # in the user and the password")
	}
	if u.User != nil && (r.user == "" || password == "") {
		wrong("URL must have both a user and a password, or neither")
	}
	if strings.ContainsAny(r.user+password, "\x00\r\n") {
		wrong("URL must not have a NUL or a line break in the user or the password")
	}

	if r.implicitTLS || config != nil || !isLoopback(r.host) {
		r.tls = config.Clone() // of nil it is nil
		if r.tls == nil {
			r.tls = new(tls.Config)
		}
		if r.tls.ServerName == "" {
			r.tls.ServerName = r.host
		}
		r.tls.MinVersion = max(r.tls.MinVersion, tls.VersionTLS12)
	}
	return r, errors.Join(mistakes...)
}

func (r *relay) addr() string { return net.JoinHostPort(r.host, r.port) }

// isLoopback says whether a host name can only mean this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
