package loginpage

import (
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/text/language"

	"example.com/mailkey/auth"
)

// View is what the templates are given.
type View struct {
	Language    string            // of the page, a BCP 47 tag
	Languages   []Language        // that there are
	Text        map[string]string // by key
	ProductName string
	Logo        string // a path, or empty
	Links       []Link
	Path        string   // of the page, to which names of files are added; empty when that is /
	API         string   // the path of the endpoints, with a slash at the end
	Client      string   // the client id
	Captchas    []string // the kinds that are enabled, the default one first
	ReturnTo    string   // a safe path: where to go after the login
	Asked       bool     // somebody asked to go there
	Email       string   // of who is signed in, or empty
	Script      string   // the texts that scripts say, as JSON

	ListsSessions bool // people can see their other sessions
}

// Shows says whether a kind of captcha is enabled.
func (v View) Shows(captcha string) bool { return slices.Contains(v.Captchas, captcha) }

// Language is one of the languages of the page.
type Language struct {
	Tag     string // BCP 47
	Name    string // in the language itself
	Text    string // for browsers without JavaScript
	URL     string // of the page in this language
	Current bool
}

const (
	languageParameter = "lang"
	languageCookie    = "mailkey-lang"
)

func (p *page) view(w http.ResponseWriter, r *http.Request, email string) View {
	back, asked := auth.SafeReturnPath(r.URL.Query().Get(auth.ReturnTo))
	if !asked {
		back = p.options.Home
	}
	t := p.language(w, r)
	v := View{
		Language: t.tag, Text: t.byKey, Script: t.script,
		ProductName: p.options.ProductName, Logo: p.options.Logo, Links: p.options.Links[t.tag],
		Path: p.base, API: p.info.Path + "/api/v2/sdk/", Client: p.options.Client, Captchas: p.captchas,
		ReturnTo: back, Asked: asked, Email: email, ListsSessions: p.info.ListsSessions,
	}
	if v.Links == nil {
		v.Links = p.options.Links[p.languages[0].tag]
	}
	returnTo := ""
	if asked {
		returnTo = back
	}
	for _, l := range p.languages {
		v.Languages = append(v.Languages, Language{
			Tag: l.tag, Name: l.byKey["language"], Text: l.byKey["noscript"],
			URL: "?" + query(returnTo, l.tag), Current: l == t,
		})
	}
	return v
}

// query is what a page of ours is called with.
func query(returnTo, lang string) string {
	q := make(url.Values)
	if returnTo != "" {
		q.Set(auth.ReturnTo, returnTo)
	}
	if lang != "" {
		q.Set(languageParameter, lang)
	}
	return q.Encode()
}

// language is the one that was chosen by the switch, now or earlier, else the
// one that the browser asks for.
func (p *page) language(w http.ResponseWriter, r *http.Request) *texts {
	if t := p.find(r.URL.Query().Get(languageParameter)); t != nil {
		http.SetCookie(w, &http.Cookie{
			Name: languageCookie, Value: t.tag, Path: p.options.Path, MaxAge: 365 * 24 * 60 * 60,
			Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
		return t
	}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if t := p.find(cookie.Value); t != nil {
			return t
		}
	}
	const most = 256 // bytes that the matcher has to look at
	if header := r.Header.Get("Accept-Language"); len(header) <= most {
		tags, _, err := language.ParseAcceptLanguage(header)
		if err == nil && len(tags) > 0 {
			if _, i, confidence := p.matcher.Match(tags...); confidence > language.No {
				return p.languages[i]
			}
		}
	}
	return p.languages[0]
}

func (p *page) find(tag string) *texts {
	for _, t := range p.languages {
		if t.tag == tag {
			return t
		}
	}
	return nil
}
