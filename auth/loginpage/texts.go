package loginpage

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed texts/*.json
var builtinTexts embed.FS

// builtinLanguage is the language that has every text.
const builtinLanguage = "en"

// texts are those of one language.
type texts struct {
	tag    string
	byKey  map[string]string
	script string // those that scripts say, as JSON
}

// readTexts reads the texts that come with the module.
func readTexts() (map[string]map[string]string, error) {
	all := make(map[string]map[string]string)
	files, err := builtinTexts.ReadDir("texts")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := builtinTexts.ReadFile("texts/" + file.Name())
		if err != nil {
			return nil, err
		}
		byKey := make(map[string]string)
		if err := json.Unmarshal(data, &byKey); err != nil {
			return nil, fmt.Errorf("texts/%s: %w", file.Name(), err)
		}
		all[strings.TrimSuffix(file.Name(), ".json")] = byKey
	}
	return all, nil
}

// setTexts lays the app's texts over the built-in ones, in the order of the
// login's languages.
func (p *page) setTexts(wrong func(string, ...any)) {
	all, err := readTexts()
	if err != nil {
		wrong("%w", err)
		return
	}
	keys := slices.Sorted(maps.Keys(all[builtinLanguage]))
	for _, tag := range slices.Sorted(maps.Keys(p.options.Texts)) {
		if !slices.Contains(p.info.Languages, tag) {
			wrong("Texts: the login has no messages in %q, see auth.Config.Messages", tag)
		}
		byKey := make(map[string]string, len(keys))
		maps.Copy(byKey, all[tag])
		for _, key := range slices.Sorted(maps.Keys(p.options.Texts[tag])) {
			if !slices.Contains(keys, key) {
				wrong("Texts[%q]: there is no text %q", tag, key)
			}
			byKey[key] = p.options.Texts[tag][key]
		}
		for _, key := range keys {
			if byKey[key] == "" {
				wrong("Texts[%q]: %q is missing", tag, key)
			}
		}
		all[tag] = byKey
	}
	for tag := range p.options.Links {
		if all[tag] == nil {
			wrong("Links: there are no texts in %q", tag)
		}
	}
	var tags []language.Tag
	for _, tag := range p.info.Languages {
		if all[tag] == nil {
			continue // the login speaks it, the page does not
		}
		script, err := json.Marshal(spoken(all[tag]))
		if err != nil {
			wrong("Texts[%q]: %w", tag, err)
		}
		p.languages = append(p.languages, &texts{tag, all[tag], string(script)})
		tags = append(tags, language.Make(tag))
	}
	p.matcher = language.NewMatcher(tags)
}

// spoken are the texts that scripts say: those that begin so, and those for an
// error_code.
func spoken(byKey map[string]string) map[string]string {
	some := make(map[string]string)
	for key, text := range byKey {
		if strings.HasPrefix(key, "say_") || strings.Contains(key, ".") {
			some[key] = text
		}
	}
	return some
}
