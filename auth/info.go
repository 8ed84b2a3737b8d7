package auth

import "slices"

// Info is what a page needs to know about the login that it shows.
type Info struct {
	ProductName   string
	Path          string   // of Config.Issuer: the handler is mounted below it; empty at the root
	CookieClients []string // their ids
	Captchas      []string // the enabled kinds, the default one first
	Languages     []string // of the messages, as BCP 47 tags, the default one first
	ListsSessions bool     // whether people can list their sessions: not with Config.SessionStore
}

// Info describes the login to a page of the app, such as that of package
// loginpage.
func (a *Auth) Info() Info {
	info := Info{
		ProductName:   a.config.ProductName,
		Path:          a.issuer.Path,
		Captchas:      a.captcha.Kinds(),
		Languages:     slices.Clone(a.catalog.languages),
		ListsSessions: a.config.SessionStore == nil,
	}
	for _, c := range a.config.Clients {
		if c.Cookie {
			info.CookieClients = append(info.CookieClients, c.ID)
		}
	}
	return info
}
