package loginpage

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"example.com/mailkey/auth"
)

// New returns the handler of the page, or every mistake in the options at once.
func New(a *auth.Auth, options Options) (http.Handler, error) {
	p := &page{auth: a, info: a.Info(), options: options, assets: make(map[string]asset)}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("loginpage: "+format, args...)) }

	p.setPaths(wrong)
	o := &p.options
	o.ProductName = cmp.Or(o.ProductName, p.info.ProductName)
	if len(p.info.CookieClients) == 0 {
		wrong("auth.Config.Clients has no cookie client")
	} else if o.Client = cmp.Or(o.Client, p.info.CookieClients[0]); !slices.Contains(p.info.CookieClients, o.Client) {
		wrong("Client: auth.Config.Clients has no cookie client %q", o.Client)
	}
	for _, kind := range p.info.Captchas {
		if slices.Contains(captchaKinds, kind) {
			p.captchas = append(p.captchas, kind)
		}
	}
	if len(p.captchas) == 0 {
		wrong("auth.Config.Captchas has none of the kinds %v that the page can show", captchaKinds)
	}
	p.setTexts(wrong)
	p.setFiles(wrong)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *page) setPaths(wrong func(string, ...any)) {
	o := &p.options
	o.Path, o.Home = cmp.Or(o.Path, "/login"), cmp.Or(o.Home, "/")
	check := func(name, path string) {
		if safe, ok := auth.SafeReturnPath(path); !ok || safe != path {
			wrong("%s: %q is not a path of the same origin, such as /a/b", name, path)
		}
	}
	check("Path", o.Path)
	check("Home", o.Home)
	if o.Logo != "" {
		check("Logo", o.Logo)
	}
	if strings.Contains(o.Path, "?") {
		wrong("Path: %q has a query", o.Path)
	}
	p.base = strings.TrimSuffix(o.Path, "/")
}
