package auth

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// device is what a client says about the device it runs on. None of it is
// believed: it is kept to show people their own sessions, and the fingerprint
// tells one flow of an address from another.
type device struct {
	os, fingerprint, agent string
	claimedIP              string
}

// readHeaders reads who is calling. The claims about the device are only
// looked at for their form.
func (a *Auth) readHeaders(c *call) error {
	h := c.r.Header
	clientID, clientOK := header(h, "X-Client-Id", 64)
	_, langOK := header(h, "X-L", 16)
	var osOK, fingerprintOK, agentOK, ipOK bool
	c.device.os, osOK = header(h, "X-Operating-Sys-Version", 64)
	c.device.fingerprint, fingerprintOK = header(h, "X-Device-Fingerprint", 128)
	c.device.agent, agentOK = header(h, "X-Agent", 512)
	c.device.claimedIP, ipOK = header(h, "X-Device-Ip", 64)
	if ipOK && c.device.claimedIP != "" {
		addr, err := netip.ParseAddr(c.device.claimedIP)
		ipOK = err == nil && addr.Zone() == ""
	}
	if langOK && h.Get("X-L") != "" {
		_, err := language.Parse(h.Get("X-L"))
		_, unknown := errors.AsType[language.ValueError](err) // well-formed, but nobody speaks it
		langOK = err == nil || unknown
	}
	if !clientOK || !langOK || !osOK || !fingerprintOK || !agentOK || !ipOK || len(h.Values("Content-Type")) > 1 ||
		c.device.os == "" || c.device.fingerprint == "" || c.device.agent == "" {
		return refuse(ReasonDevice)
	}
	if clientID == "" {
		return refuse(ReasonClientEmpty)
	}
	client, registered := a.clients[clientID]
	if !registered {
		return refuse(ReasonClientUnknown)
	}
	c.client = client
	return nil
}

// header returns a header's value without the spaces around it; ok is false
// when it is there twice, too long, or not printable UTF-8.
func header(h http.Header, name string, most int) (value string, ok bool) {
	values := h[name]
	if len(values) == 0 {
		return "", true
	}
	value = strings.Trim(values[0], " \t")
	if len(values) > 1 || len(value) > most || !utf8.ValidString(value) {
		return "", false
	}
	return value, !strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) })
}

// languageHeader bounds what the language matcher has to look at.
func languageHeader(value string) string {
	if len(value) > 256 {
		return ""
	}
	return value
}
