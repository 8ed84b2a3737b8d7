package loginpage

import (
	"embed"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

//go:embed web
var builtinFiles embed.FS

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
}

// setFiles reads the templates, the stylesheet and the scripts, those of the
// app first.
func (p *page) setFiles(wrong func(string, ...any)) {
	builtin, err := fs.Sub(builtinFiles, "web")
	if err != nil {
		wrong("%w", err)
		return
	}
	names, err := fs.Glob(builtin, "*")
	if err != nil {
		wrong("%w", err)
		return
	}
	if p.options.Files != nil {
		own, err := fs.Glob(p.options.Files, "*")
		if err != nil {
			wrong("Files: %w", err)
		}
		for _, name := range own {
			if !slices.Contains(names, name) {
				wrong("Files: %s is none of %s", name, strings.Join(names, ", "))
			}
		}
	}
	p.templates = template.New("").Option("missingkey=error")
	for _, name := range names {
		content, err := p.readFile(builtin, name)
		if err != nil {
			wrong("Files: %w", err)
			continue
		}
		if path.Ext(name) == ".html" {
			if _, err := p.templates.New(name).Parse(string(content)); err != nil {
				wrong("Files: %w", err)
			}
			continue
		}
		if name == "page.css" {
			content = append(content, p.accent(wrong)...)
		}
		p.assets[name] = newAsset(contentTypes[path.Ext(name)], content)
	}
	if len(p.languages) > 0 {
		p.tryTemplates(wrong)
	}
}

func (p *page) readFile(builtin fs.FS, name string) ([]byte, error) {
	if p.options.Files != nil {
		content, err := fs.ReadFile(p.options.Files, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return content, err
		}
	}
	return fs.ReadFile(builtin, name)
}

// lookedFor is how scripts look for what they need of a page: elements by id, and
// data attributes of its root.
var lookedFor = regexp.MustCompile(`\$\('([a-z-]+)'\)|\bconfig\.([a-z]+)`)

// tryTemplates renders the pages, so that a mistake shows when the app starts
// and not to the first person who wants to log in.
func (p *page) tryTemplates(wrong func(string, ...any)) {
	sample := View{
		Language: p.languages[0].tag, Text: p.languages[0].byKey, ProductName: p.options.ProductName,
		Captchas: captchaKinds, Email: "ann@example.org", ListsSessions: true,
	}
	for _, page := range []struct {
		name    string
		scripts []string
	}{{"login.html", []string{"api.js", "login.js", "captcha.js"}}, {"sessions.html", []string{"api.js", "sessions.js"}}} {
		var body strings.Builder
		if err := p.templates.ExecuteTemplate(&body, page.name, sample); err != nil {
			wrong("Files: %w", err)
			continue
		}
		for _, script := range page.scripts {
			for _, found := range lookedFor.FindAllStringSubmatch(string(p.assets[script].content), -1) {
				needed := ` id="` + found[1] + `"`
				if found[2] != "" {
					needed = " data-" + found[2] + `="`
				}
				if !strings.Contains(body.String(), needed) {
					wrong("Files: %s lacks%s, which %s needs", page.name, strings.TrimSuffix(needed, `="`), script)
				}
			}
		}
	}
	sample.Email = "" // nobody is signed in
	if err := p.templates.ExecuteTemplate(io.Discard, "login.html", sample); err != nil {
		wrong("Files: %w", err)
	}
}
