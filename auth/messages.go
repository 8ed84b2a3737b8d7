package auth

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed messages/*.json
var builtinMessages embed.FS

// catalog holds the text of each reason in each language.
type catalog struct {
	languages []string // BCP 47; the default first
	texts     []map[Reason]string
	matcher   language.Matcher
}

// newCatalog adds the host's languages to those that come with the module.
func newCatalog(defaultLanguage string, more map[string]map[Reason]string) (*catalog, error) {
	texts := make(map[string]map[Reason]string)
	files, err := builtinMessages.ReadDir("messages")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		data, err := builtinMessages.ReadFile(path.Join("messages", f.Name()))
		if err != nil {
			return nil, err
		}
		text := make(map[Reason]string)
		if err := json.Unmarshal(data, &text); err != nil {
			return nil, fmt.Errorf("messages: %w", err)
		}
		texts[strings.TrimSuffix(f.Name(), ".json")] = text
	}
	maps.Copy(texts, more)
	if texts[defaultLanguage] == nil {
		return nil, fmt.Errorf("DefaultLanguage: there are no messages in %q", defaultLanguage)
	}

	c := &catalog{languages: []string{defaultLanguage}}
	for _, l := range slices.Sorted(maps.Keys(texts)) {
		if l != defaultLanguage {
			c.languages = append(c.languages, l)
		}
	}
	var tags []language.Tag
	var errs []error
	for _, l := range c.languages {
		tag, err := language.Parse(l)
		if err != nil {
			errs = append(errs, fmt.Errorf("Messages: %q is no BCP 47 language tag", l))
		}
		tags = append(tags, tag)
		for reason := range statuses {
			if texts[l][reason] == "" {
				errs = append(errs, fmt.Errorf("Messages: %s has no text for %s", l, reason))
			}
		}
		c.texts = append(c.texts, texts[l])
	}
	c.matcher = language.NewMatcher(tags)
	return c, errors.Join(errs...)
}

// match returns the language to answer in: what the client asks for in X-L,
// else the browser's Accept-Language, else the default. Both were bounded in
// length before.
func (c *catalog) match(xl, acceptLanguage string) int {
	for _, header := range []string{xl, acceptLanguage} {
		tags, _, err := language.ParseAcceptLanguage(header)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := c.matcher.Match(tags...); confidence > language.No {
			return i
		}
	}
	return 0
}

func (c *catalog) text(lang int, r Reason) string { return c.texts[lang][r] }
