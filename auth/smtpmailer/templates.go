package smtpmailer

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	text "text/template"
)

// Template is the mail in one language, as template sources that see a [Data].
// In a language that has a built-in template an empty field stands for the
// built-in one; in any other all three are required.
//
// [New] refuses a template that does not parse, uses a field that does not
// exist, shows the code in the subject or does not show it in the body. A
// custom text ends like the built-in one: the line "@host #code", from which
// phones fill in the code, is added to it.
type Template struct {
	Subject string // text/template; line breaks become spaces
	Text    string // text/template
	HTML    string // html/template, which escapes what it is given
}

// Data is what templates are given.
type Data struct {
	Code    string // 6 or 8 digits, or 10 letters and digits
	Product string // auth.Config.ProductName
	Host    string // the host that the code is for, like app.example
	Minutes int    // how long the code still lives, at least 1
}

// One file each for subject, text and HTML of a language.
//
//go:embed templates
var builtin embed.FS

const fallback = "en"

// compiled is a Template whose sources have been parsed.
type compiled struct {
	subject, text *text.Template
	html          *html.Template
}

// rendered is a Template filled in for one mail.
type rendered struct {
	subject, text, html string
}

// compileAll compiles the built-in templates with custom laid over them, and
// tries each of them.
func compileAll(custom map[string]Template) (map[string]*compiled, error) {
	sources := builtinTemplates()
	var mistakes []error
	for _, key := range slices.Sorted(maps.Keys(custom)) {
		language := strings.ToLower(key)
		base, _, _ := strings.Cut(language, "-")
		t := overlay(sources[base], custom[key])
		if t.Subject == "" || t.Text == "" || t.HTML == "" {
			mistakes = append(mistakes, fmt.Errorf("smtpmailer: Templates[%q] must have Subject, Text and HTML: none is built in", key))
			continue
		}
		sources[language] = t
	}
	all := make(map[string]*compiled, len(sources))
	for _, language := range slices.Sorted(maps.Keys(sources)) {
		t, err := compile(sources[language])
		if err == nil {
			err = t.try()
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("smtpmailer: Templates[%q]: %w", language, err))
		}
		all[language] = t
	}
	return all, errors.Join(mistakes...)
}

func builtinTemplates() map[string]Template {
	sources := make(map[string]Template)
	files, _ := fs.Glob(builtin, "templates/*.txt")
	for _, file := range files {
		stem := strings.TrimSuffix(file, ".txt")
		read := func(ext string) string {
			source, _ := builtin.ReadFile(stem + ext)
			return string(source)
		}
		sources[path.Base(stem)] = Template{Subject: read(".subject"), Text: read(".txt"), HTML: read(".html")}
	}
	return sources
}

func overlay(base, t Template) Template {
	return Template{
		Subject: cmp.Or(t.Subject, base.Subject),
		Text:    cmp.Or(t.Text, base.Text),
		HTML:    cmp.Or(t.HTML, base.HTML),
	}
}

func compile(t Template) (*compiled, error) {
	subject, subjectErr := text.New("Subject").Parse(t.Subject)
	plain, textErr := text.New("Text").Parse(t.Text)
	rich, htmlErr := html.New("HTML").Parse(t.HTML)
	return &compiled{subject, plain, rich}, errors.Join(subjectErr, textErr, htmlErr)
}

// try renders samples, so that a mistake shows when the app starts and not
// with the first mail.
func (t *compiled) try() error {
	for _, sample := range []Data{
		{Code: "40718259", Product: "Example", Host: "app.example", Minutes: 10},
		{Code: "40718259", Product: "Example", Minutes: 1},
	} {
		r, err := t.render(sample)
		if err != nil {
			return err
		}
		switch {
		case r.subject == "":
			return errors.New("the Subject is empty")
		case strings.Contains(r.subject, sample.Code):
			return errors.New("the Subject shows the code, which lock screens and logs of relays would show too")
		case !strings.Contains(r.text, sample.Code):
			return errors.New("the Text does not show {{.Code}}")
		case !strings.Contains(r.html, sample.Code):
			return errors.New("the HTML does not show {{.Code}}")
		}
	}
	return nil
}

func (t *compiled) render(d Data) (r rendered, err error) {
	var subject, plain, rich strings.Builder
	if err := errors.Join(
		t.subject.Execute(&subject, d),
		t.text.Execute(&plain, d),
		t.html.Execute(&rich, d),
	); err != nil {
		return rendered{}, err
	}
	return rendered{
		subject: strings.Join(strings.Fields(subject.String()), " "),
		text:    plain.String(),
		html:    rich.String(),
	}, nil
}

// pick looks a language up as RFC 4647 section 3.4 does: the tag itself, then
// the tag without its last subtag, and so on.
func pick(all map[string]*compiled, language string) *compiled {
	tag := strings.ToLower(language)
	for tag != "" {
		if t, ok := all[tag]; ok {
			return t
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return all[fallback]
}
